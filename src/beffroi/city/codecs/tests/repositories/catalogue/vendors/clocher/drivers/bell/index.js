// ThingPark's own form: the data itself is returned, and received.
function decodeUplink(input) {
  const raw = Buffer.from(input.bytes);
  return { strokes: raw.readUInt16BE(0), swing: raw.readInt8(2) / 10, time: input.time };
}

exports.decodeUplink = decodeUplink;
exports.encodeDownlink = (data) => ({ bytes: [data.strokes], fPort: 7 });

// The form that ChirpStack had before its version 4, beside the one it has now.
function Decode(fPort, bytes, variables) {
  return { visitors: bytes[0] * 256 + bytes[1], side: variables.side || "north" };
}

function decodeUplink(input) {
  return { data: Decode(input.fPort, input.bytes, input.variables || {}) };
}

function encodeDownlink(input) {
  return { bytes: input.data.reset ? [255] : [] };
}

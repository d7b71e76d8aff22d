function Decoder(bytes, port) {
  return { tune: bytes[0], port: port };
}

function Encoder(data, port) {
  return [data.tune, port];
}

// Another file, with a function of the same name as one of the first: neither may see the other's.
function scale(count) {
  return count;
}

function encodeDownlink(input) {
  return { bytes: [1, scale(input.data.ring)], fPort: 2, errors: [] };
}

function decodeDownlink(input) {
  return { data: { ring: scale(input.bytes[1]) } };
}

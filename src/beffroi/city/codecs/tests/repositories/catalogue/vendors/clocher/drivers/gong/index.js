// Bundled as a library named driver.
var driver = (() => {
  const decodeUplink = (input) => ({
    data: { noise: input.bytes[0], at: new Date().toISOString(), heard: input.recvTime, random: Math.random() },
    errors: [],
    warnings: [],
  });
  return { decodeUplink };
})();

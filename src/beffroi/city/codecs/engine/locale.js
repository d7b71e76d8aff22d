// How Node, with English and universal time, writes dates and numbers for people: the engine has no
// tables of languages. Evaluated for codecs whose text names a date or a local form.
(() => {
  const define = (owner, name, value) =>
    Object.defineProperty(owner, name, {
      value, configurable: true, enumerable: false, writable: true,
    });
  const dates = Date.prototype;
  const invalid = "Invalid Date";
  for (const name of ["toString", "toTimeString"]) {
    const native = dates[name];
    define(dates, name, function () {
      const text = native.call(this);
      return text === invalid ? text : `${text} (Coordinated Universal Time)`;
    });
  }
  const two = (number) => `${number}`.padStart(2, "0");
  const day = (at) => `${at.getMonth() + 1}/${at.getDate()}/${at.getFullYear()}`;
  const time = (at, options) => {
    const hour = at.getHours();
    const rest = `${two(at.getMinutes())}:${two(at.getSeconds())}`;
    if (options && options.hour12 === false) return `${two(hour)}:${rest}`;
    return `${hour % 12 || 12}:${rest} ${hour < 12 ? "AM" : "PM"}`;
  };
  const told = (write) => function (_, options) {
    return Number.isNaN(this.getTime()) ? invalid : write(this, options);
  };
  define(dates, "toLocaleDateString", told(day));
  define(dates, "toLocaleTimeString", told(time));
  define(dates, "toLocaleString", told((at, options) => `${day(at)}, ${time(at, options)}`));
  define(Number.prototype, "toLocaleString", function (_, options = {}) {
    const number = Number(this);
    if (Number.isNaN(number)) return "NaN";
    if (!Number.isFinite(number)) return number < 0 ? "-\u221e" : "\u221e";
    const least = options.minimumFractionDigits ?? 0;
    const most = options.maximumFractionDigits ?? Math.max(least, 3);
    const [whole, part = ""] = Math.abs(number).toFixed(most).split(".");
    let digits = part;
    while (digits.length > least && digits.endsWith("0")) digits = digits.slice(0, -1);
    const grouped = options.useGrouping === false ? whole
      : whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
    const sign = number < 0 || Object.is(number, -0) ? "-" : "";
    return sign + grouped + (digits ? `.${digits}` : "");
  });
})()

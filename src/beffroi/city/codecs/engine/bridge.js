// Between the worker and a codec: evaluated first in each context, keeps nothing of one call for
// the next, and is reachable by no name from the codec. Native functions are taken before the
// codec can replace them; what a codec replaces, it replaces for itself alone.
((bufferSource, timeSource, localeSource, maxOutput) => {
  const { parse, stringify } = JSON;
  const { ownKeys, apply, deleteProperty, defineProperty } = Reflect;
  const evaluate = eval;
  const { isArray } = Array;
  const globals = globalThis;
  const NativeSet = Set;
  const has = NativeSet.prototype.has;
  const nothing = () => undefined;

  // Ready when it is first asked for: most codecs never do.
  const lazy = (name, make) =>
    defineProperty(globals, name, {
      configurable: true,
      enumerable: false,
      get() {
        const value = make();
        defineProperty(globals, name, {
          value, configurable: true, enumerable: false, writable: true,
        });
        return value;
      },
      set(value) {
        defineProperty(globals, name, {
          value, configurable: true, enumerable: false, writable: true,
        });
      },
    });
  let kit;
  const kitMade = () => (kit ??= evaluate(bufferSource));
  lazy("Buffer", () => kitMade().Buffer);
  lazy("TextDecoder", () => kitMade().TextDecoder);
  lazy("TextEncoder", () => kitMade().TextEncoder);
  lazy("structuredClone", () => (value) => parse(stringify(value)));
  const quiet = {};
  for (const name of ["log", "info", "warn", "error", "debug", "trace", "dir", "table", "assert",
    "time", "timeEnd", "timeLog", "group", "groupEnd", "count"]) quiet[name] = nothing;
  const hidden = (name, value) =>
    defineProperty(globals, name, { value, configurable: true, enumerable: false, writable: true });
  const require = (name) => {
    if (name === "buffer" || name === "buffer/" || name === "node:buffer") {
      return { Buffer: globals.Buffer };
    }
    throw new Error(`require("${name}") is refused: a codec is one file that stands alone`);
  };

  let ReceptionTime;
  const timeOf = (text) => {
    if (typeof text !== "string") return text;
    const time = new (ReceptionTime ??= evaluate(timeSource))(text);
    return time.getTime() === time.getTime() ? time : text;
  };

  const tail = "\n;return {" +
    ["decodeUplink", "encodeDownlink", "decodeDownlink", "Decoder", "Encoder", "Decode", "Encode",
      "driver"].map((name) => `${name}:typeof ${name}==="undefined"?undefined:${name}`).join() +
    "}})";
  let body;
  let asksTime = false;
  let baseline = null;
  let baselineCount = 0;

  const told = (error) => {
    try {
      if (error === null || typeof error !== "object") return `${error}`.slice(0, 500);
      const stack = typeof error.stack === "string" ? error.stack : "";
      // Our own lines have numbers of five digits: see the worker.
      const at = /<input>:(\d{1,4}):/.exec(stack);
      const text = error.message === undefined && error.name === undefined
        ? stringify(error) : `${error.name}: ${error.message}`;
      return `${text}`.slice(0, 500) + (at ? ` (line ${at[1]})` : "");
    } catch {
      return "an exception that cannot be told";
    }
  };

  const forget = () => {
    const keys = ownKeys(globals);
    if (keys.length === baselineCount) return;
    for (let rank = 0; rank < keys.length; rank += 1) {
      if (!apply(has, baseline, [keys[rank]])) deleteProperty(globals, keys[rank]);
    }
  };

  // What the codec declares or exports under a name, its exports first.
  const found = (declared, exported, name) => {
    const places = [exported, declared.driver, exported && exported.driver, declared];
    for (let rank = 0; rank < places.length; rank += 1) {
      const place = places[rank];
      if (place !== null && place !== undefined && typeof place[name] === "function") {
        return place[name];
      }
    }
    return undefined;
  };

  // [function to call, its arguments, whether it returns the bare data], by dialect.
  const decoding = (get, name, dialect, input) => {
    if (dialect === "" || dialect === "ts013" || dialect === "thingpark") {
      const direct = get(name);
      if (direct) return [direct, [input], dialect === "thingpark"];
    }
    if (name !== "decodeUplink") return null;
    if (dialect === "" || dialect === "chirpstack3") {
      const decode = get("Decode");
      if (decode) return [decode, [input.fPort, input.bytes, input.variables ?? {}], true];
    }
    if (dialect === "" || dialect === "ttn") {
      const decoder = get("Decoder");
      if (decoder) return [decoder, [input.bytes, input.fPort], true];
    }
    return null;
  };
  const encoding = (get, dialect, input) => {
    if (dialect === "" || dialect === "ts013" || dialect === "thingpark") {
      const direct = get("encodeDownlink");
      if (direct) return [direct, [dialect === "thingpark" ? input.data : input], false];
    }
    if (dialect === "" || dialect === "chirpstack3") {
      const encode = get("Encode");
      if (encode) return [encode, [input.fPort, input.data, input.variables ?? {}], true];
    }
    if (dialect === "" || dialect === "ttn") {
      const encoder = get("Encoder");
      if (encoder) return [encoder, [input.data, input.fPort], true];
    }
    return null;
  };

  const answered = (result, isEncoding, isBare, dialect) => {
    if (result === null || (typeof result !== "object" && typeof result !== "function")) {
      return `O${result === undefined ? "nothing was returned" : "what was returned is no object"}`;
    }
    if (typeof result.then === "function") return "Oa promise was returned; codecs do not wait";
    let whole = result;
    if (isEncoding) {
      if (isArray(result) || ArrayBuffer.isView(result)) whole = { bytes: result };
      if (whole.bytes && ArrayBuffer.isView(whole.bytes)) {
        whole = { ...whole, bytes: [...whole.bytes] };
      }
    } else if (isBare || (dialect === "" && result.data === undefined &&
        result.errors === undefined && result.warnings === undefined)) {
      whole = { data: result };
    }
    const text = stringify(whole);
    if (typeof text !== "string") return "Owhat was returned cannot be written as JSON";
    if (text.length > maxOutput) return `Owhat was returned is too large: ${text.length} characters`;
    return `=${text}`;
  };

  return (name, dialect, given) => {
    if (name === "load") {
      try {
        try {
          body = evaluate(`(function(){${given}${tail}`);
        } catch (error) {
          // A module of the newer kind: what it exports is declared all the same.
          const plain = given.replace(/^[ \t]*export[ \t]+(?:default[ \t]+)?(?=(?:async|function|const|let|var|class)\b)/gm, "");
          if (plain === given) throw error;
          body = evaluate(`(function(){${plain}${tail}`);
        }
        asksTime = given.includes("recvTime");
        if (given.includes("Date") || given.includes("toLocale")) evaluate(localeSource);
        return "=";
      } catch (error) {
        return `S${told(error)}`;
      }
    }
    let declared;
    const module = { exports: {} };
    hidden("global", globals);
    hidden("console", { ...quiet });
    hidden("require", require);
    hidden("module", module);
    hidden("exports", module.exports);
    if (baseline === null) {
      baseline = new NativeSet(ownKeys(globals));
      baselineCount = ownKeys(globals).length;
    }
    try {
      declared = apply(body, globals, []);
    } catch (error) {
      forget();
      return `S${told(error)}`;
    }
    try {
      const input = parse(given);
      if (dialect === "thingpark" && input.time === undefined) input.time = input.recvTime;
      if (asksTime && input.recvTime !== undefined) input.recvTime = timeOf(input.recvTime);
      const get = (wanted) => found(declared, module.exports, wanted);
      const isEncoding = name === "encodeDownlink";
      const plan = isEncoding ? encoding(get, dialect, input) : decoding(get, name, dialect, input);
      if (plan === null) return `F${name}`;
      return answered(apply(plan[0], undefined, plan[1]), isEncoding, plan[2], dialect);
    } catch (error) {
      return `T${told(error)}`;
    } finally {
      forget();
    }
  };
})

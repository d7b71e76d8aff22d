// Runs the reading requests of the documentation: with the session, or with a key that is pasted.
const MOST_SHOWN = 20_000;
const docs = document.querySelector("[data-api-docs]");
const keyField = document.querySelector("[data-api-key]");

function addressOf(form) {
  let path = form.dataset.apiTry;
  const query = new URLSearchParams();
  for (const field of form.querySelectorAll("[data-where]")) {
    const value = field.value.trim();
    if (field.dataset.where === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(value));
    else if (value) query.set(field.name, value);
  }
  const ending = query.toString();
  return ending ? `${path}?${ending}` : path;
}

function shown(text) {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}\n… ${docs.dataset.cut}` : text;
}

async function bodyOf(answer) {
  const kind = answer.headers.get("Content-Type") ?? "";
  if (kind.includes("parquet")) return `${(await answer.arrayBuffer()).byteLength} octets`;
  const text = await answer.text();
  if (!kind.includes("ndjson") && kind.includes("json")) {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  }
  return text;
}

async function run(form) {
  const status = form.querySelector("[data-api-status]");
  const headers = form.querySelector("[data-api-headers]");
  const body = form.querySelector("[data-api-body]");
  const key = keyField.value.trim();
  const asked = { Accept: form.querySelector("[data-api-accept]").value };
  if (key) asked.Authorization = `Bearer ${key}`;
  status.textContent = docs.dataset.working;
  const began = performance.now();
  try {
    const answer = await fetch(addressOf(form), {
      headers: asked,
      credentials: key ? "omit" : "same-origin",
    });
    const text = await bodyOf(answer);
    const took = Math.round(performance.now() - began);
    status.textContent = `${answer.status} ${answer.statusText} – ${took} ${docs.dataset.took}`;
    headers.textContent = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    body.textContent = shown(text);
    headers.hidden = body.hidden = false;
  } catch {
    status.textContent = docs.dataset.failed;
    headers.hidden = body.hidden = true;
  }
}

for (const form of document.querySelectorAll("[data-api-try]")) {
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void run(form);
  });
}

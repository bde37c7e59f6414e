// From a filled-in form to a request: sent with fetch, or told as a command.

/** {status, headers, text, tookMs}, or {problem} where no answer can be seen. */
export async function send(asked, token) {
  const { operation, body } = asked;
  const headers = headersOf(asked);
  if (token) headers.Authorization = `Bearer ${token}`;
  const began = performance.now();
  try {
    const answer = await fetch(addressOf(asked), {
      method: operation.method,
      headers,
      body: body ? payload(body) : undefined,
      redirect: "manual",
      credentials: "omit",
      cache: "no-store",
    });
    if (answer.type === "opaqueredirect") {
      return { problem: "It redirects, and a browser does not tell a page where to." };
    }
    const text = readable(await answer.text(), answer.headers.get("Content-Type") ?? "");
    const tookMs = Math.round(performance.now() - began);
    return { status: answer.status, headers: [...answer.headers], text, tookMs };
  } catch {
    return { problem: "No answer came. Is the gateway there?" };
  }
}

/** The same as a command for a shell; the token stays in a variable. */
export function asCurl(asked) {
  const { operation, body } = asked;
  const parts = [`curl -X ${operation.method} "$FILMGATE_URL"${quoted(addressOf(asked))}`];
  if (operation["x-role"] !== "open") parts.push(`-H "Authorization: Bearer $FILMGATE_TOKEN"`);
  for (const [name, value] of Object.entries(headersOf(asked))) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body?.kind === "multipart/form-data") {
    for (const [name, value] of said(body.form)) {
      parts.push(`-F ${quoted(`${name}=${value instanceof File ? `@${value.name}` : value}`)}`);
    }
  } else if (body) parts.push(`--data-binary ${quoted(body.text)}`);
  return parts.join(" \\\n  ");
}

function addressOf({ operation, parameters, values }) {
  const own = (place) => parameters.filter((one) => one.in === place);
  const path = own("path").reduce(
    (text, { name }) => text.replace(`{${name}}`, encodeURIComponent(values[name])),
    operation.path,
  );
  const query = own("query").filter(({ name }) => values[name] !== "");
  const tail = new URLSearchParams(query.map(({ name }) => [name, values[name]]));
  return query.length ? `${path}?${tail}` : path;
}

function headersOf({ parameters, values, body }) {
  const own = parameters.filter(({ in: place, name }) => place === "header" && values[name] !== "");
  const headers = Object.fromEntries(own.map(({ name }) => [name, values[name]]));
  // A form brings its own, with the boundary in it.
  if (body && body.kind !== "multipart/form-data") headers["Content-Type"] = body.kind;
  return headers;
}

function payload({ kind, text, form }) {
  if (kind !== "multipart/form-data") return text;
  const made = new FormData();
  for (const [name, value] of said(form)) made.append(name, value);
  return made;
}

const said = (form) => Object.entries(form).filter(([, value]) => value !== "" && value != null);

function readable(text, type) {
  if (!type.includes("json")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

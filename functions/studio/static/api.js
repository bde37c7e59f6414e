// The gateway's HTTP API. Every call gives {data, etag, headers} or throws Refused or Unreachable.

import { end, session } from "./session.js";
import { store } from "./store.js";

/** False while the last call could not reach the gateway. */
export const connected = store(navigator.onLine);
addEventListener("offline", () => connected.set(false));
addEventListener("online", () => connected.set(true));

/** The gateway said no; `problem` is its problem+json. */
export class Refused extends Error {
  constructor(status, problem, retryAfterS) {
    super(problem.detail || problem.title || `The gateway answered ${status}.`);
    this.name = "Refused";
    this.status = status;
    this.code = problem.code || "unknown";
    this.problem = problem;
    this.retryable = Boolean(problem.retryable);
    this.retryAfterS = retryAfterS;
  }

  /** What is wrong with one field, by its JSON pointer, or null. */
  fault(pointer) {
    return this.problem.errors?.find((one) => one.pointer === pointer)?.message ?? null;
  }
}

/** No answer came: no network, or no gateway. */
export class Unreachable extends Error {
  constructor() {
    super("The studio cannot be reached. Check the connection; nothing you typed is lost.");
    this.name = "Unreachable";
    this.retryable = true;
  }
}

export const get = (path, options) => call("GET", path, options);
export const put = (path, body, options) => call("PUT", path, { ...options, body });
export const remove = (path, options) => call("DELETE", path, options);

/** A POST always carries an Idempotency-Key: give the same `key` to repeat the same wish. */
export function post(path, body, { key = freshKey(), ...options } = {}) {
  const headers = { "Idempotency-Key": key, ...options.headers };
  return call("POST", path, { ...options, body, headers });
}

export function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs a secure context
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * One call. `query` leaves out what is empty; a `body` that is text or a Blob goes as it is, with
 * the `type` given; `token` asks as somebody else; `signal` gives up.
 */
export async function call(method, path, { body, type, query, headers, token, signal } = {}) {
  const bearer = token ?? session.get()?.token;
  const sent = { Accept: "application/json", ...headers };
  if (bearer) sent.Authorization = `Bearer ${bearer}`;
  const raw = typeof body === "string" || body instanceof Blob;
  if (body !== undefined) sent["Content-Type"] = type ?? "application/json";
  const answer = await reach(address(path, query), {
    method,
    headers: sent,
    body: body === undefined || raw ? body : JSON.stringify(body),
    signal,
    credentials: "omit",
    cache: "no-store",
  });
  const data = await content(answer);
  if (answer.ok) return { data, etag: answer.headers.get("ETag"), headers: answer.headers };
  const seconds = Number.parseInt(answer.headers.get("Retry-After") ?? "", 10);
  const refused = new Refused(answer.status, isProblem(data) ? data : {}, seconds || null);
  if (answer.status === 401 && token === undefined && bearer === session.get()?.token) {
    end("Your token is no longer good: it has expired or was revoked. Sign in with another one.");
  }
  throw refused;
}

async function reach(url, options) {
  try {
    const answer = await fetch(url, options);
    connected.set(true);
    return answer;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    connected.set(false);
    throw new Unreachable();
  }
}

async function content(answer) {
  const text = await answer.text();
  if (!answer.headers.get("Content-Type")?.includes("json")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function address(path, query = {}) {
  const said = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  return said.length ? `${path}?${new URLSearchParams(said)}` : path;
}

const isProblem = (data) => typeof data === "object" && data !== null;

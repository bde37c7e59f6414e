// Addresses of views: #/library/gen_x?state=failed. The part behind # never reaches a server.

import { store } from "./store.js";

export const place = store(read());
addEventListener("hashchange", () => place.set(read()));

/** {view, path: the parts behind it, query: an object}. */
function read() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/").filter(Boolean).map(plain);
  return { view: view ?? "", path: rest, query: Object.fromEntries(new URLSearchParams(query)) };
}

function plain(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a view, for a link. */
export function to(view, path = [], query = {}) {
  const said = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const tail = said.length ? `?${new URLSearchParams(said)}` : "";
  return `#/${[view, ...path].map(encodeURIComponent).join("/")}${tail}`;
}

export function go(...target) {
  location.hash = to(...target);
}

/** Change the query in place, without a step in the history. */
export function requery(query) {
  const { view, path } = place.get();
  history.replaceState(null, "", to(view, path, query));
  place.set(read());
}

// Who is signed in. The token lives in this tab only and ends with it.

import { store } from "./store.js";

const PLACE = "filmgate-token";
const RANKS = ["viewer", "creator", "admin"];

/** {token, user, role}, or null; `role` is absent until the gateway has told it. */
export const session = store(remembered());
/** Why the last session ended, for the sign-in view; empty at the start. */
export const farewell = store("");

function remembered() {
  const token = sessionStorage.getItem(PLACE);
  return token ? { token } : null;
}

export function begin(token, me) {
  sessionStorage.setItem(PLACE, token);
  farewell.set("");
  session.set({ token, ...me });
}

export function end(reason = "") {
  sessionStorage.removeItem(PLACE);
  farewell.set(reason);
  session.set(null);
}

/** Whether the session's role reaches `role`: what it does not reach is not offered. */
export function may(role) {
  return RANKS.indexOf(session.get()?.role) >= RANKS.indexOf(role);
}

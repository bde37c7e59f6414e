// Whose token the calls carry: asked for once, kept for this tab, shared with the studio page.

import { get } from "../api.js";
import { Field } from "../components/field.js";
import { html, useEffect, useState } from "../html.js";
import { begin, end, farewell, session } from "../session.js";
import { useStore } from "../store.js";

export function Account() {
  const who = useStore(session);
  const reason = useStore(farewell);
  const [token, setToken] = useState("");
  const [fault, setFault] = useState("");
  const signIn = async (given) => {
    setFault("");
    try {
      begin(given, (await get("/v1/me", { token: given })).data);
      setToken("");
    } catch (error) {
      end();
      setFault(error.status === 401 ? "The gateway does not know this token." : error.message);
    }
  };
  useEffect(() => {
    if (who && !who.role) signIn(who.token); // the tab knows a token from before
  }, []);
  if (who?.role) {
    return html`<p class="who">
      <span><bdi>${who.user}</bdi> <span class="quiet">${who.role}</span></span>
      <button type="button" class="bare" onClick=${() => end()}>Sign out</button>
    </p>`;
  }
  if (who) return html`<p class="who quiet" role="status">Signing in…</p>`;
  const submit = (event) => {
    event.preventDefault();
    if (token.trim()) signIn(token.trim());
  };
  return html`<form class="token" onSubmit=${submit} novalidate>
    <${Field} label="Token" fault=${fault || reason} hint="For trying. It stays in this tab.">
      ${(own) => html`<input
        ...${own}
        type="password"
        name="token"
        autocomplete="current-password"
        spellcheck="false"
        value=${token}
        onInput=${(event) => setToken(event.currentTarget.value)}
      />`}
    <//>
    <button>Sign in</button>
  </form>`;
}

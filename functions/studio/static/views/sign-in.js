// Sign-in: a token, checked with the gateway before it is kept.

import { get } from "../api.js";
import { Field } from "../components/field.js";
import { html, useState } from "../html.js";
import { begin, farewell } from "../session.js";
import { useStore } from "../store.js";
import { useTitle } from "../use.js";

export function SignIn() {
  useTitle("Sign in");
  const reason = useStore(farewell);
  const [token, setToken] = useState("");
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (event) => {
    event.preventDefault();
    const given = token.trim();
    if (!given) return setFault("Paste a token first.");
    setBusy(true);
    setFault("");
    try {
      const { data } = await get("/v1/me", { token: given });
      begin(given, data);
    } catch (error) {
      setFault(error.status === 401 ? "The gateway does not know this token." : error.message);
      setBusy(false);
    }
  };

  return html`<main class="sign-in" id="main">
    <form onSubmit=${submit} novalidate>
      <h1><img src=${new URL("../gate.svg", import.meta.url).href} alt="" width="28" height="28" /> Filmgate</h1>
      <p class="farewell" role="status">${reason}</p>
      <${Field}
        label="Token"
        fault=${fault}
        hint="It stays in this tab and is forgotten when you close it."
      >
        ${(own) => html`<input
          ...${own}
          type="password"
          name="token"
          autocomplete="current-password"
          autocapitalize="none"
          spellcheck="false"
          autofocus
          value=${token}
          onInput=${(event) => setToken(event.currentTarget.value)}
        />`}
      <//>
      <button class="primary" disabled=${busy}>${busy ? "Checking…" : "Sign in"}</button>
      <p class="quiet small">
        An admin makes tokens under Tokens. The first one is shown by the installation; locally it
        is <code>FILMGATE_TOKEN</code> in <code>.local/env</code>.
      </p>
    </form>
  </main>`;
}

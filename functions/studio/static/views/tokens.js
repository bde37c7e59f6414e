// Who may use the API: tokens, each with a role. A token is shown once, when it is made.

import { freshKey, get, post, remove } from "../api.js";
import { Confirm, Dialog } from "../components/dialog.js";
import { Choice, Field, Select } from "../components/field.js";
import { Icon } from "../components/icons.js";
import { More } from "../components/more.js";
import { sheeted } from "../components/sheeted.js";
import { Empty, Failure, Loaded, State } from "../components/states.js";
import { tell, tellError } from "../components/tell.js";
import { date, when } from "../format.js";
import { html, useRef, useState } from "../html.js";
import { usePages } from "../pages.js";

const ROLES = [
  { value: "viewer", label: "viewer", told: "sees everything of the studio, and makes nothing" },
  {
    value: "creator",
    label: "creator",
    told: "makes images, clips and storyboards, and sees their own",
  },
  {
    value: "admin",
    label: "admin",
    told: "sees everything; sets budgets, keys and providers, and makes tokens",
  },
];
const ENDS = [
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "a year" },
  { value: "", label: "until revoked" },
];

export default sheeted("reports/reports.css", "of-reports", Tokens);

function Tokens({ who }) {
  const tokens = usePages((query, options) => get("/v1/tokens", { query, ...options }));
  const [makes, setMakes] = useState(false);
  const [leaving, setLeaving] = useState(null);
  const revoke = async () => {
    const { id } = leaving;
    setLeaving(null);
    try {
      await remove(`/v1/tokens/${encodeURIComponent(id)}`);
      tell("The token is revoked; within a minute nobody accepts it.");
      tokens.reload();
    } catch (error) {
      tellError(error);
    }
  };
  return html`<div class="view tokens">
    <header>
      <h1>Tokens</h1>
      <div class="actions">
        <button type="button" class="primary" onClick=${() => setMakes(true)}>
          <${Icon} name="create" />Make a token
        </button>
      </div>
    </header>
    <dl class="roles" aria-label="Roles">
      ${ROLES.map(
        (role) =>
          html`<div key=${role.value}>
            <dt>${role.label}</dt>
            <dd class="quiet">${role.told}</dd>
          </div>`,
      )}
    </dl>
    <section class="panel" aria-label="Tokens">
      <${Loaded} from=${tokens} rows=${4}
        >${(items) =>
          items.length === 0
            ? html`<${Empty} title="No tokens" />`
            : html`<div class="scroll" tabindex="0" role="region" aria-label="All tokens">
                  <table>
                    <thead>
                      <tr>
                        <th scope="col">Who</th>
                        <th scope="col">Role</th>
                        <th scope="col">State</th>
                        <th scope="col">Ends in</th>
                        <th scope="col">Note</th>
                        <th scope="col">Made</th>
                        <th scope="col">Good until</th>
                        <th scope="col"><span class="unseen">Revoke</span></th>
                      </tr>
                    </thead>
                    <tbody>
                      ${items.map(
                        (one) =>
                          html`<tr key=${one.id} class=${one.state === "active" ? "" : "is-over"}>
                            <th scope="row"><bdi>${one.user}</bdi></th>
                            <td>${one.role}</td>
                            <td><${State} is=${one.state} /></td>
                            <td>
                              <code>…${one.hint}</code>${
                                one.id === who.token_id && html`<div class="hint">yours, here</div>`
                              }
                            </td>
                            <td class="note"><bdi>${one.note}</bdi></td>
                            <td class="nowrap">
                              ${when(one.created_at)}
                              <div class="hint">by${" "}<bdi>${one.created_by}</bdi></div>
                            </td>
                            <td class="nowrap">
                              ${
                                one.revoked_at
                                  ? html`revoked ${when(one.revoked_at)}
                                      <div class="hint">by${" "}<bdi>${one.revoked_by}</bdi></div>`
                                  : one.expires_at
                                    ? date(one.expires_at)
                                    : "no end"
                              }
                            </td>
                            <td>
                              ${
                                one.state === "active" &&
                                html`<button
                                  type="button"
                                  class="danger"
                                  onClick=${() => setLeaving(one)}
                                  aria-label=${`Revoke the token of ${one.user} that ends in ${one.hint}`}
                                >
                                  Revoke
                                </button>`
                              }
                            </td>
                          </tr>`,
                      )}
                    </tbody>
                  </table>
                </div>
                <${More} of=${tokens} />`}<//
      >
    </section>
    ${makes && html`<${Make} onClose=${() => setMakes(false)} onMade=${tokens.reload} />`}
    ${
      leaving &&
      html`<${Confirm}
        title="Revoke the token?"
        action="Revoke it"
        onClose=${() => setLeaving(null)}
        onConfirm=${revoke}
        text=${consequence(leaving, who)}
      />`
    }
  </div>`;
}

function consequence(token, who) {
  const told = `${token.user} (${token.role}, ends in ${token.hint}) can no longer use it within a minute, for good.`;
  const own = token.id === who.token_id;
  return own ? `${told} It is the one you are signed in with: you will be signed out.` : told;
}

function Make({ onClose, onMade }) {
  const [user, setUser] = useState("");
  const [role, setRole] = useState("creator");
  const [days, setDays] = useState("90");
  const [note, setNote] = useState("");
  const [made, setMade] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const wish = useRef({ text: null, key: null });
  const make = async (event) => {
    event.preventDefault();
    const body = {
      user: user.trim(),
      role,
      note: note.trim(),
      ...(days ? { expires_in_days: Number(days) } : {}),
    };
    const text = JSON.stringify(body);
    if (wish.current.text !== text) wish.current = { text, key: freshKey() };
    setBusy(true);
    setError(null);
    try {
      setMade((await post("/v1/tokens", body, { key: wish.current.key })).data);
      onMade();
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  if (made) return html`<${Once} made=${made} onClose=${onClose} />`;
  const fault = (pointer) => error?.fault?.(pointer);
  return html`<${Dialog} title="Make a token" onClose=${onClose}>
    <form class="fields one" onSubmit=${make} novalidate>
      <${Field}
        label="Whose"
        fault=${fault("/user") && "Letters, digits and . _ @ + - only, at most 64, beginning with a letter or digit."}
        hint="A name or an address. What is made with the token is theirs."
      >
        ${(own) =>
          html`<input
            ...${own}
            autofocus
            autocomplete="off"
            autocapitalize="none"
            maxlength="64"
            value=${user}
            onInput=${(event) => {
              setUser(event.target.value);
              setError(null);
            }}
          />`}
      <//>
      <div class="wide">
        <${Choice} label="Role" name="role" value=${role} options=${ROLES} onChange=${setRole} />
        <p class="hint">A ${role} ${ROLES.find((one) => one.value === role).told}.</p>
      </div>
      <${Select} label="Good for" value=${days} options=${ENDS} onChange=${setDays} />
      <${Field} label="Note" fault=${fault("/note")} hint="What it is for."
        >${(own) =>
          html`<input
            ...${own}
            dir="auto"
            maxlength="200"
            value=${note}
            onInput=${(event) => setNote(event.target.value)}
          />`}<//
      >
      ${
        error &&
        !error.problem?.errors &&
        html`<div class="wide"><${Failure} error=${error} /></div>`
      }
      <div class="actions end wide">
        <button type="button" onClick=${onClose}>Leave it</button>
        <button class="primary" disabled=${busy || !user.trim()}>
          ${busy ? "Making…" : "Make it"}
        </button>
      </div>
    </form>
  <//>`;
}

/** The one time that a token is seen. */
function Once({ made, onClose }) {
  const text = useRef(null);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(made.token);
    } catch {
      text.current.select(); // no clipboard without a secure context: the old way still works
      document.execCommand("copy");
    }
    setCopied(true);
  };
  return html`<${Dialog} title=${`The token of ${made.user}`} onClose=${onClose}>
    <p>
      It is shown this once. Copy it now and hand it over on a safe way; afterwards only its last
      four characters are known.
    </p>
    <${Field} label="Token"
      >${(own) =>
        html`<input
          ...${own}
          ref=${text}
          class="secret"
          readonly
          value=${made.token}
          onFocus=${(event) => event.target.select()}
        />`}<//
    >
    <div class="actions end">
      <span class="quiet" role="status">${copied ? "Copied." : ""}</span>
      <button type="button" class="primary" autofocus onClick=${copy}>Copy</button>
      <button type="button" onClick=${onClose}>Done</button>
    </div>
  <//>`;
}

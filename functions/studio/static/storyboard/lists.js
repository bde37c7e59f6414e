// Lists in and out of the draft: files, pasted texts, and what is wrong with them.

import { Dialog } from "../components/dialog.js";
import { Field } from "../components/field.js";
import { Icon } from "../components/icons.js";
import { tellError } from "../components/tell.js";
import { save } from "../files.js";
import { html, useMemo, useRef, useState } from "../html.js";
import { bodyOf, csvOf } from "./draft.js";

export function FileButton({ onFile }) {
  const input = useRef(null);
  const take = (event) => {
    const [file] = event.target.files;
    if (file) onFile(file).catch(tellError);
    event.target.value = "";
  };
  return html`<button type="button" onClick=${() => input.current.click()}>Open a file</button>
    <input
      ref=${input}
      type="file"
      hidden
      aria-label="A shot list"
      accept=".csv,.tsv,.txt,.json,.jsonl,.ndjson,text/csv,application/json"
      onChange=${take}
    />`;
}

export function FileFaults({ faults, taken, onClose }) {
  return html`<section class="failure" role="alert" aria-label="What is wrong with the file">
    <${Icon} name="warning" />
    <div>
      <p>${taken ? "Not all of the file could be taken." : "The file could not be taken."}</p>
      <ul>
        ${faults
          .slice(0, 50)
          .map(
            (one, i) =>
              html`<li key=${i}>
                ${one.line && html`<b>Line ${one.line}</b>`}${
                  one.column &&
                  html`${one.line ? ", " : ""}<b>column${" "}<bdi>${one.column}</bdi></b>`
                }${(one.line || one.column) && ": "}${one.message}
              </li>`,
          )}
      </ul>
      <button type="button" onClick=${onClose}>I have seen it</button>
    </div>
  </section>`;
}

export function Paste({ onTake, onClose }) {
  const [text, setText] = useState("");
  return html`<${Dialog} title="Paste a list" onClose=${onClose}>
    <${Field}
      label="CSV, JSON, JSON Lines, cells out of a spreadsheet, or one prompt a line"
      hint="It takes the place of the draft; Undo brings that back."
    >
      ${(own) =>
        html`<textarea
          ...${own}
          rows="10"
          dir="auto"
          autofocus
          value=${text}
          onInput=${(event) => setText(event.target.value)}
          placeholder=${"prompt,scene,clip_provider,duration_s\nA lamp in the fog,quay,flow,3"}
        ></textarea>`}
    <//>
    <div class="actions end">
      <button type="button" class="primary" disabled=${!text.trim()} onClick=${() => onTake(text)}>
        Take it
      </button>
    </div>
  <//>`;
}

export function Export({ draft, onClose }) {
  const csv = useMemo(() => csvOf(draft), [draft]);
  const name =
    draft.title
      .trim()
      .replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")
      .slice(0, 60) || "storyboard";
  const out = (extension, text, type) => {
    save(`${name}.${extension}`, text, type);
    onClose();
  };
  return html`<${Dialog} title="Export the draft" onClose=${onClose}>
    <p>CSV is for spreadsheets, JSON keeps everything. This page and the gateway read both.</p>
    ${
      csv.lost.length > 0 &&
      html`<p class="hint">A CSV has no column for: ${csv.lost.join(", ")}.</p>`
    }
    <div class="actions">
      <button type="button" class="primary" onClick=${() => out("csv", csv.text, "text/csv")}>
        CSV
      </button>
      <button
        type="button"
        onClick=${() => out("json", `${JSON.stringify(bodyOf(draft, draft.rows), null, 2)}\n`, "application/json")}
      >
        JSON
      </button>
    </div>
  <//>`;
}

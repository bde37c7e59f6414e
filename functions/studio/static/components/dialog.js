// A question that must be answered before anything else: the browser's own modal dialog.

import { html, useEffect, useId, useRef } from "../html.js";
import { Icon } from "./icons.js";

/** Open while it is drawn. Escape and the cross call `onClose`; the focus goes back by itself. */
export function Dialog({ title, onClose, children }) {
  const box = useRef(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    box.current.showModal();
    return () => opener?.isConnected && opener.focus();
  }, []);
  return html`<dialog
    ref=${box}
    aria-labelledby=${id}
    onCancel=${(event) => {
      event.preventDefault();
      onClose();
    }}
  >
    <header>
      <h2 id=${id}>${title}</h2>
      <button type="button" class="bare" aria-label="Close" onClick=${onClose}>
        <${Icon} name="close" />
      </button>
    </header>
    ${children}
  </dialog>`;
}

/** Ask before something that cannot be taken back. */
export function Confirm({ title, text, action, onConfirm, onClose }) {
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <p>${text}</p>
    <div class="actions">
      <button type="button" onClick=${onClose} autofocus>Keep it</button>
      <button type="button" class="danger" onClick=${onConfirm}>${action}</button>
    </div>
  <//>`;
}

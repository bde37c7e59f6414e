// Views with a style sheet of their own: nothing is drawn before it holds, so nothing jumps.

import { html } from "../html.js";
import { useSheet } from "../use.js";
import { Loading } from "./states.js";

/** The view within an element of the class `scope`, to which its sheet keeps. */
export function sheeted(name, scope, View) {
  return function Sheeted(props) {
    const holds = useSheet(name);
    return html`<div class=${scope}>
      ${holds ? html`<${View} ...${props} />` : html`<div class="view"><${Loading} rows=${6} /></div>`}
    </div>`;
  };
}

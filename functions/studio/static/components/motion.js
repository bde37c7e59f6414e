// What a camera move does, shown on the keyframe itself or, without one, on a drawn street.

import { linkOf } from "../generations.js";
import { html } from "../html.js";

export const MOTIONS = ["push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"];

export function MotionPreview({ motion, take }) {
  return html`<div class="motion" data-motion=${motion} aria-hidden="true">
    ${take ? html`<img src=${linkOf(take)} alt="" />` : html`<${Street} />`}
  </div>`;
}

function Street() {
  return html`<svg viewBox="0 0 160 90" preserveAspectRatio="xMidYMid slice">
    <path class="sky" d="M0 0h160v90H0z" />
    <path class="ground" d="M0 62l64-10h32l64 10v28H0z" />
    <path class="far" d="M56 30h12v24H56zM92 26h14v28H92z" />
    <path class="near" d="M0 8l44 18v34L0 72zM160 4l-46 20v34l46 16z" />
    <path class="lamp" d="M79 56V34h2v22zM76 29h8l-1.5 6h-5z" />
    <circle class="glow" cx="80" cy="32" r="9" />
  </svg>`;
}

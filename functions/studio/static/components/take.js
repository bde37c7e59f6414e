// A take: a picture, or a clip with its controls. Its room is kept before it arrives.

import { linkOf, isVideo } from "../generations.js";
import { html, useState } from "../html.js";

const ratio = (take) => (take.width && take.height ? `${take.width} / ${take.height}` : "16 / 9");

/** Large, as the main thing of a view. `label` says what it shows. */
export function Take({ take, label }) {
  const [broken, setBroken] = useState(false);
  const room = { aspectRatio: ratio(take) };
  if (broken) {
    return html`<div class="take missing" style=${room}>
      <p>The file did not arrive. Its link may have ended: open this again.</p>
    </div>`;
  }
  const failed = () => setBroken(true);
  return isVideo(take)
    ? html`<video
        class="take" style=${room} src=${linkOf(take)} aria-label=${label}
        controls loop playsinline preload="auto" onError=${failed}
      ></video>`
    : html`<img
        class="take" style=${room} src=${linkOf(take)} alt=${label}
        width=${take.width} height=${take.height} onError=${failed}
      />`;
}

/** Small, among others; a clip shows its first frame. Says nothing: the text beside it does. */
export function Thumbnail({ take }) {
  return isVideo(take)
    ? html`<video src=${`${linkOf(take)}#t=0.1`} muted playsinline preload="metadata" tabindex="-1" aria-hidden="true"></video>`
    : html`<img src=${linkOf(take)} alt="" loading="lazy" decoding="async" />`;
}

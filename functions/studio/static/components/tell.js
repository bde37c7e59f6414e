// Short news at the edge of the page, read out by screen readers without moving the focus.

import { html } from "../html.js";
import { store, useStore } from "../store.js";

const STAYS_MS = 6000;
const news = store(null);
let timer = null;

/** Say something once: "Key stored". `tone` is "good", "bad" or "plain". */
export function tell(text, tone = "good") {
  clearTimeout(timer);
  news.set({ text, tone });
  timer = setTimeout(() => news.set(null), STAYS_MS);
}

/** Say why something did not work. */
export const tellError = (error) => error.name === "AbortError" || tell(error.message, "bad");

export function News() {
  const told = useStore(news);
  return html`<div class="news" role="status" aria-live="polite">
    ${told && html`<p data-tone=${told.tone}>${told.text}</p>`}
  </div>`;
}

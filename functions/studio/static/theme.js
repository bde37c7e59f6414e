// Dark, light, or as the system says. The choice is kept; nothing else is.

import { store } from "./store.js";

const PLACE = "filmgate-theme";
export const THEMES = ["system", "dark", "light"];

export const theme = store(kept());
theme.watch(apply);
apply(theme.get());

function kept() {
  const found = localStorage.getItem(PLACE);
  return THEMES.includes(found) ? found : "system";
}

function apply(chosen) {
  localStorage.setItem(PLACE, chosen);
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

export const nextTheme = () => theme.set(THEMES[(THEMES.indexOf(theme.get()) + 1) % THEMES.length]);

// Create: compose one image or clip while its price is worked out, start it, watch it, see it.

import { get, post, freshKey } from "../api.js";
import { Composer } from "../components/composer.js";
import { Stage } from "../components/stage.js";
import { Loaded } from "../components/states.js";
import { tellError } from "../components/tell.js";
import { draft, requestFrom } from "../draft.js";
import { html, useRef, useState } from "../html.js";
import { go } from "../router.js";
import { useStore } from "../store.js";
import { useLoad, useSheet } from "../use.js";

export default function Create({ path }) {
  const styled = useSheet("views/create.css");
  const one = useStore(draft);
  const providers = useLoad(async ({ signal }) => (await get("/v1/providers", { signal })).data.items);
  const [turn, setTurn] = useState(0);
  const [refusal, setRefusal] = useState(null);
  const [starting, setStarting] = useState(false);
  const wish = useRef({ text: "", key: "" });

  /** The same wish keeps its key until it was taken: a repeat after a lost answer buys nothing. */
  const start = async (body) => {
    const text = JSON.stringify(body);
    if (wish.current.text !== text) wish.current = { text, key: freshKey() };
    setStarting(true);
    setRefusal(null);
    try {
      const { data } = await post("/v1/generations", body, { key: wish.current.key });
      wish.current = { text: "", key: "" };
      go("create", [data.id]);
    } catch (error) {
      setRefusal(error);
      tellError(error);
    } finally {
      setStarting(false);
    }
  };

  /** An ended generation changes what is observed of the providers, and perhaps who is suspended. */
  const ended = () => {
    providers.reload();
    setTurn((before) => before + 1);
  };

  return html`<div class="view" hidden=${!styled}>
    <header><h1>Create</h1></header>
    <div class="create">
      <${Loaded} from=${providers} rows=${8}>
        ${(items) => html`<${Composer}
          draft=${one}
          providers=${items}
          turn=${turn}
          starting=${starting}
          refusal=${refusal}
          onStart=${() => start(requestFrom(one))}
        />`}
      <//>
      <${Stage} id=${path[0] ?? null} draft=${one} onAgain=${start} onEnd=${ended} />
    </div>
  </div>`;
}

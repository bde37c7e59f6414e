// Providers: who is asked first, with which key, at what prices, and how they have been doing.

import { get, put } from "../api.js";
import { ProviderCard } from "../components/provider-card.js";
import { Loaded } from "../components/states.js";
import { tell, tellError } from "../components/tell.js";
import { html, useEffect, useState } from "../html.js";
import { may } from "../session.js";
import { useLoad, useSheet } from "../use.js";

const MEDIA = [{ type: "image", title: "Images" }, { type: "video", title: "Clips" }];

export default function Providers() {
  const styled = useSheet("views/providers.css");
  const found = useLoad(async ({ signal }) => (await get("/v1/providers", { signal })).data.items);
  return html`<div class="view" hidden=${!styled}>
    <header>
      <h1>Providers</h1>
      <p class="quiet">Asked from top to bottom${may("admin") ? "; drag a row or use its arrows." : "."}</p>
    </header>
    <${Loaded} from=${found} rows=${8}>
      ${(items) => MEDIA.map(({ type, title }) => html`<${Order}
        key=${type} type=${type} title=${title}
        items=${items.filter((one) => one.type === type)} reload=${found.reload}
      />`)}
    <//>
  </div>`;
}

/** The providers of a medium. A new order shows at once and goes back when it is refused. */
function Order({ type, title, items, reload }) {
  const [wanted, setWanted] = useState(null);
  const [dragged, setDragged] = useState(null);
  const ids = wanted ?? items.map((one) => one.id);
  const byId = new Map(items.map((one) => [one.id, one]));
  const told = items.map((one) => one.id).join();
  useEffect(() => setWanted(null), [told]); // what was wanted is now what is

  const reorder = async (order) => {
    setWanted(order);
    try {
      await put("/v1/settings/order", { type, order });
      tell(`${title} are asked in the order ${order.join(", ")}.`);
      reload();
    } catch (error) {
      setWanted(null);
      tellError(error);
    }
  };
  const move = (id, place) => {
    if (place < 0 || place >= ids.length || ids[place] === id) return;
    const rest = ids.filter((one) => one !== id);
    reorder([...rest.slice(0, place), id, ...rest.slice(place)]);
  };

  return html`<section class="order" aria-label=${title}>
    <h2>${title}</h2>
    <ol>
      ${ids.map((id, place) => html`<li
        key=${id}
        data-dragged=${dragged === id}
        onDragOver=${(event) => dragged && event.preventDefault()}
        onDrop=${(event) => {
          event.preventDefault();
          if (byId.has(dragged)) move(dragged, place);
        }}
      >
        <${ProviderCard}
          provider=${byId.get(id)} place=${place} last=${ids.length - 1}
          onMove=${(next) => move(id, next)} onDrag=${setDragged} reload=${reload}
        />
      </li>`)}
    </ol>
  </section>`;
}

// Storyboards: the list of them, one as it is made, and the draft of the next.
//
// #/storyboard           all, newest first
// #/storyboard/draft     the draft of this tab
// #/storyboard/sb_…      one, live

import { get } from "../api.js";
import { Icon } from "../components/icons.js";
import { More } from "../components/more.js";
import { sheeted } from "../components/sheeted.js";
import { Empty, Loaded, State } from "../components/states.js";
import { usd, when } from "../format.js";
import { html } from "../html.js";
import { to } from "../router.js";
import { may } from "../session.js";
import { Board } from "../storyboard/board.js";
import { Editor } from "../storyboard/editor.js";
import { usePages } from "../pages.js";

export default sheeted("storyboard/storyboard.css", "of-storyboards", Storyboard);

function Storyboard({ path, who }) {
  const [id] = path;
  if (id === "draft") return html`<${Editor} who=${who} />`;
  if (id) return html`<${Board} key=${id} id=${id} />`;
  return html`<${Boards} />`;
}

function Boards() {
  const boards = usePages((query, options) => get("/v1/storyboards", { query, ...options }));
  return html`<div class="view">
    <header>
      <h1>Storyboards</h1>
      ${
        may("creator") &&
        html`<div class="actions">
          <a class="button primary" href=${to("storyboard", ["draft"])}
            ><${Icon} name="create" />Write one</a
          >
        </div>`
      }
    </header>
    <${Loaded} from=${boards} rows=${4}>
      ${(items) =>
        items.length === 0
          ? html`<${Empty} title="No storyboard yet">
              <p>
                A storyboard makes many shots under one budget: write them, paste a list, or drop a
                CSV.
              </p>
              ${
                may("creator") &&
                html`<a class="button" href=${to("storyboard", ["draft"])}>Write the first one</a>`
              }
            <//>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Storyboards">
                <table class="boards">
                  <thead>
                    <tr>
                      <th scope="col">Title</th>
                      <th scope="col">State</th>
                      <th scope="col" class="figure">Shots</th>
                      <th scope="col" class="figure">At most</th>
                      <th scope="col">Project</th>
                      <th scope="col">Strategy</th>
                      <th scope="col">Started</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${items.map(
                      (one) =>
                        html`<tr key=${one.id}>
                          <th scope="row">
                            <a href=${to("storyboard", [one.id])}
                              ><bdi>${one.title || "Untitled"}</bdi></a
                            >
                          </th>
                          <td><${State} is=${one.state} /></td>
                          <td class="figure">${told(one)}</td>
                          <td class="figure">${usd(one.estimate.max)}</td>
                          <td><bdi>${one.project ?? ""}</bdi></td>
                          <td>${one.strategy}</td>
                          <td>${when(one.created_at)}</td>
                        </tr>`,
                    )}
                  </tbody>
                </table>
              </div>
              <${More} of=${boards} />`}
    <//>
  </div>`;
}

const told = ({ progress, shot_count: count }) =>
  progress ? `${progress.done} of ${count}` : count;

// The two drawings. Everything is made of elements and text; nothing is parsed as markup.
const SVG = "http://www.w3.org/2000/svg";

function shape(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function picture(width, height, label) {
  return shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
}

const WORDS = { leads: "leads", follows: "follows", cut_off: "cut off", frozen: "frozen", down: "down" };

/// The cloud above, the tills below; who uploads has the strong line.
export function topology(state) {
  const width = 760, height = 150, tills = state.terminals;
  const said = tills.map((till) => `till ${till.number} ${WORDS[till.is]}`).join(", ");
  const svg = picture(width, height, `The cloud is ${state.cloud.state}; ${said}`);
  const step = width / tills.length, cloud = { x: width / 2, y: 24 };
  const cloudDown = state.cloud.state === "off" || state.cloud.state === "refusing";
  tills.forEach((till, at) => {
    const x = step * (at + 0.5), apart = ["cut_off", "down", "frozen"].includes(till.is);
    const kind = apart || cloudDown ? (apart || till.is === "leads" ? "broken" : "") : till.is === "leads" ? "up" : "";
    if (till.is === "leads" || apart) svg.append(shape("path", { class: `wire ${kind}`, d: `M${cloud.x} ${cloud.y + 16} L${x} 84` }));
    if (at + 1 < tills.length) {
      const next = ["cut_off", "down", "frozen"].includes(tills[at + 1].is);
      svg.append(shape("path", { class: `wire ${apart || next ? "broken" : ""}`, d: `M${x + 46} 110 L${x + step - 46} 110` }));
    }
  });
  svg.append(shape("rect", { class: `node ${cloudDown ? "down" : ""}`, x: cloud.x - 130, y: 4, width: 260, height: 38, rx: 19 }));
  svg.append(shape("text", { x: cloud.x, y: 28, "text-anchor": "middle", class: "strong" }, `cloud ${state.cloud.state} · ${state.cloud.events} events`));
  tills.forEach((till, at) => {
    const x = step * (at + 0.5);
    svg.append(shape("rect", { class: `node ${till.is}`, x: x - Math.min(46, step / 2 - 4), y: 84, width: Math.min(92, step - 8), height: 54, rx: 8 }));
    svg.append(shape("text", { x, y: 107, "text-anchor": "middle", class: "strong" }, `${till.is === "leads" ? "★ " : ""}till ${till.number}`));
    svg.append(shape("text", { x, y: 125, "text-anchor": "middle", class: "soft" }, WORDS[till.is]));
  });
  return svg;
}

/// A row for each till, a band for each thing that it was.
export function timeline(state) {
  const row = 22, left = 56, width = 760, height = state.bands.length * row + 20;
  const from = state.now_ms - state.window_ms, scale = (width - left - 4) / state.window_ms;
  const leads = state.leader ? `till ${state.leader.terminal} leads in term ${state.leader.term}` : "nobody leads";
  const svg = picture(width, height, `What each till was in the last three minutes; now ${leads}`);
  for (let minute = 0; minute <= 3; minute += 1) {
    const x = left + minute * 60000 * scale;
    svg.append(shape("line", { class: "grid", x1: x, x2: x, y1: 0, y2: height - 18 }));
    const label = minute === 3 ? "now" : `−${3 - minute} min`;
    svg.append(shape("text", { class: "soft", x: Math.min(x, width - 30), y: height - 4, "text-anchor": minute === 0 ? "start" : "middle" }, label));
  }
  state.bands.forEach((bands, at) => {
    const y = at * row;
    svg.append(shape("text", { x: 0, y: y + 15 }, `till ${at + 1}`));
    for (const band of bands) {
      const start = Math.max(band.from_ms, from), x = left + (start - from) * scale;
      const long = Math.max((band.to_ms - start) * scale, 1.5);
      const rect = shape("rect", { class: `band ${band.is}`, x, y: y + 3, width: long, height: row - 7, rx: 2 });
      rect.append(shape("title", {}, `till ${at + 1} ${WORDS[band.is]}${band.term ? ` in term ${band.term}` : ""}`));
      svg.append(rect);
      if (band.term && long > 18) svg.append(shape("text", { class: "band-term", x: x + 4, y: y + 15 }, String(band.term)));
    }
  });
  return svg;
}

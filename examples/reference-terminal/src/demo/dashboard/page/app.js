// Shows what the stream says, and sends what is pressed. Text from the store is only ever set as text.
import { timeline, topology } from "/draw.js";

const $ = (id) => document.getElementById(id);
const money = (cents) => `${cents < 0 ? "−" : ""}$${Math.floor(Math.abs(cents) / 100)}.${String(Math.abs(cents) % 100).padStart(2, "0")}`;
const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });

function make(name, text, kind) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

function row(...cells) {
  const line = make("tr");
  for (const cell of cells) {
    if (cell instanceof Node) line.append(cell);
    else if (Array.isArray(cell)) line.append(make("td", cell[0], cell[1]));
    else line.append(make("td", cell));
  }
  return line;
}

/// What an exception is about: a line of a receipt is its basket and its number, any other counter is called by its key.
function subject(raised) {
  const { counter } = raised;
  if (counter?.counter === 2 && counter.key.length === 36) return `basket ${counter.key.slice(0, 8)}…, line ${parseInt(counter.key.slice(32), 16)}`;
  return counter?.key ?? raised.row;
}

const BEING = { leads: ["★ leads", "good-text"], follows: ["follows"], cut_off: ["cut off", "warn-text"], frozen: ["frozen", "warn-text"], down: ["down", "bad-text"] };
const KIND = { sale: "sale", return: "return", exchange: "exchange", void: "void", no_sale: "no sale" };
let latest = null;
let atWork = false;

function facts(state) {
  const { phase } = state;
  const steps = phase.steps > 1 ? ` (${Math.min(phase.done, phase.steps)} of ${phase.steps})` : "";
  const words = { replaying: `${phase.name}${steps}. Buttons work once the week is over.`, open: "Open: the week is over, and everything may be broken.", finishing: `Closing: ${phase.name}`, proved: "Stopped, and compared" };
  $("phase").textContent = words[state.stage];
  $("leader").textContent = state.leader ? `till ${state.leader.terminal}` : "nobody";
  $("term").textContent = state.leader ? state.leader.term : "–";
  $("cloud").textContent = `${state.cloud.state}, ${state.cloud.events} events`;
  $("waiting").textContent = state.cloud.waiting === 1 ? "1 receipt" : `${state.cloud.waiting} receipts`;
  const last = state.failovers_ms.at(-1);
  $("failover").textContent = last === undefined ? "none yet" : `${Math.round(last)} ms`;
}

function lanes(till) {
  const waiting = till.lanes.filter((lane) => lane.waiting > 0);
  if (waiting.length === 0) return "nothing";
  return waiting.map((lane) => `${lane.name} ${lane.waiting} (${lane.oldest_s.toFixed(1)} s)`).join(", ");
}

function tables(state) {
  $("terminals").replaceChildren(...state.terminals.map((till) => {
    const [word, kind] = BEING[till.is];
    const line = row(`till ${till.number}`, [word, kind], till.mode ?? "–", [till.peers, "number"], [till.sales, "number"],
      [till.lag_s > 0 ? `${till.lag_s.toFixed(1)} s` : "–", "number"], lanes(till));
    line.dataset.terminal = till.number;
    line.dataset.is = till.is;
    if (till.author) line.children[0].append(make("div", `writes as ${till.author}`, "event quiet"));
    return line;
  }));
  const level = (there) => (there ? ["✓ yes", "good-text"] : ["not yet", "warn-text"]);
  $("sales").replaceChildren(...state.sales.map((sale) => {
    const line = row(`till ${sale.terminal}`, `${sale.series} ${sale.number}`, `${KIND[sale.kind] ?? sale.kind}${sale.repeated ? ", asked twice" : ""}`,
      [money(sale.total), "number"], level(true), level(sale.at_leader), level(sale.in_cloud));
    line.title = sale.event;
    return line;
  }));
  $("stock").replaceChildren(...state.stock.map((product) => row(product.name, [product.sold || "–", "number"],
    [product.stock ?? "–", product.stock < 0 ? "number bad-text" : "number"], [product.forecast?.expected ?? "–", "number"], [product.forecast?.order_up_to ?? "–", "number"])));
  $("exceptions").replaceChildren(...(state.exceptions.length ? state.exceptions : [null]).map((raised) => {
    if (!raised) return row(["None.", "quiet"], "", "", "", "");
    return row(raised.exception.replaceAll("_", " "), subject(raised), [raised.value, "number"], [raised.floor, "number"], [raised.involved.join(", "), "event"]);
  }));
}

function wrong(state) {
  const items = state.exceptions.map((raised) => [raised.exception.replaceAll("_", " "), `${subject(raised)}: ${raised.value}, floor ${raised.floor}`]);
  const alerts = new Map();
  for (const alert of state.alerts) {
    const known = alerts.get(alert.name) ?? { says: alert.says, remedy: alert.remedy, tills: [] };
    known.tills.push(alert.terminal.split("-")[0]);
    alerts.set(alert.name, known);
  }
  for (const [name, alert] of alerts) items.push([name.replaceAll("_", " "), `${alert.says} (till ${[...new Set(alert.tills)].sort().join(", ")}) ${alert.remedy}`]);
  const told = new Set(alerts.keys());
  for (const till of state.terminals) {
    for (const condition of till.conditions) {
      if (!told.has(condition.condition)) items.push([condition.condition.replaceAll("_", " "), `${condition.says} (till ${till.number}) ${condition.remedy}`]);
    }
  }
  const lines = items.map(([name, text]) => {
    const item = make("li");
    item.append(make("strong", `${name}: `, "warn-text"), make("span", text));
    return item;
  });
  $("wrong").replaceChildren(...(lines.length ? lines : [make("li", "Nothing.", "quiet")]));
}

function story(state) {
  $("story").replaceChildren(...state.story.map((line) => {
    const item = make("li");
    item.append(make("time", clock(line.at_ms)), make("span", line.text));
    return item;
  }));
}

function models(state) {
  const ms = (us) => (us === null || us === undefined ? "–" : `${(us / 1000).toFixed(1)} ms`);
  if (!state.inference) return $("models").replaceChildren(row(["Being loaded …", "quiet"], "", "", "", "", "", ""));
  $("models").replaceChildren(...state.inference.map(({ job, report, error }) => {
    if (!report) return row(job, error ?? "", "", "no engine", "", "", "");
    const refused = report.refused.map((one) => `${one.engine}: ${one.reason}`).join("; ");
    return row(job, `${report.model} ${report.version}`, String(report.precision).toLowerCase(), `${report.engine} ${report.placement ?? ""}`.trim(),
      [ms(report.load_us), "number"], [ms(report.warm_run_us), "number"], refused || "–");
  }));
}

function verdict(state) {
  const shown = $("verdict"), found = state.verdict;
  if (!found || !shown.hidden) return;
  shown.hidden = false;
  shown.classList.add(found.ok ? "good" : "bad");
  shown.append(make("h2", found.ok ? "Proved: nothing lost, nothing booked twice, everybody agrees." : "A check does not hold."));
  shown.append(make("p", `${found.sales} sales and ${found.returns} returns were acknowledged; ${found.events_recorded} events on the tills, ${found.events_in_cloud} in the cloud; ${found.lost} lost, ${found.duplicated} twice, ${found.stock_mismatches} counters off.`));
  for (const finding of found.findings.slice(0, 20)) shown.append(make("p", finding, "bad-text"));
}

function choices(state) {
  const fill = (select, options) => {
    if (select.options.length >= options.length) return;
    const chosen = select.value;
    select.replaceChildren(...options.map(([value, text]) => Object.assign(make("option", text), { value })));
    if (chosen) select.value = chosen;
  };
  const tills = state.terminals.map((till) => [String(till.number), `till ${till.number}`]);
  const fresh = $("other").options.length === 0;
  fill($("terminal"), tills);
  fill($("other"), tills);
  if (fresh && tills.length > 1) $("other").value = "2";
  fill($("of-terminal"), [["", "any"], ...tills]);
  fill($("product"), state.stock.map((product) => [product.code, `${product.name} (${product.code})`]));
  $("customers").textContent = state.customers ? "Send them home" : "Let them come";
  for (const button of document.querySelectorAll("button[data-act]")) button.disabled = atWork || state.stage !== "open";
  $("finish").disabled = state.stage !== "open";
}

function show(state) {
  latest = state;
  document.body.dataset.stage = state.stage;
  facts(state);
  tables(state);
  wrong(state);
  story(state);
  models(state);
  choices(state);
  verdict(state);
  $("topology").replaceChildren(topology(state));
  $("timeline").replaceChildren(timeline(state));
}

function answer(title, found) {
  const shown = $("answer");
  shown.dataset.done = String(found.done);
  shown.replaceChildren(make("h3", title), ...found.said.filter(Boolean).map((sentence) => make("p", sentence, found.done ? "" : "bad-text")));
  if (found.events?.length) shown.append(make("p", `Events: ${found.events.join(", ")}`, "event"));
}

async function post(path, body) {
  const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return response.json();
}

function asked(button) {
  const act = button.dataset.act, terminal = Number($("terminal").value), other = Number($("other").value);
  if (act === "sell") return { act, terminal, product: $("product").value, quantity: Number($("quantity").value) };
  if (["park", "prices", "oversell", "return_twice"].includes(act)) return { act, terminal, other };
  if (act === "cloud") return { act, state: button.dataset.state };
  if (act === "customers") return { act, come: !latest.customers };
  return { act, terminal };
}

async function press(button) {
  const body = asked(button), title = button.textContent;
  atWork = true;
  for (const each of document.querySelectorAll("button[data-act]")) each.disabled = true;
  $("answer").dataset.done = "";
  $("answer").replaceChildren(make("h3", title), make("p", "At work …", "quiet"));
  try {
    answer(title, await post("/act", body));
  } catch (error) {
    answer(title, { done: false, said: [String(error)] });
  }
  atWork = false;
  if (latest) choices(latest);
  button.focus();
}

async function find(event) {
  event.preventDefault();
  const number = $("number").value, of = $("of-terminal").value;
  const response = await fetch(`/receipts?number=${encodeURIComponent(number)}${of ? `&terminal=${encodeURIComponent(of)}` : ""}`);
  const page = await response.json(), found = page.transactions ?? [];
  $("found").replaceChildren(...found.map((booked) => {
    const { transaction } = booked, link = make("a", "Open");
    link.href = `/receipt?event=${encodeURIComponent(booked.event)}`;
    link.target = "_blank";
    link.rel = "noopener";
    link.setAttribute("aria-label", `Open receipt ${transaction.series} ${transaction.number} of till ${booked.terminal} to print`);
    const cell = make("td");
    cell.append(link);
    return row(`till ${booked.terminal}`, `${transaction.series} ${transaction.number}`, String(booked.business_day ?? ""), [money(transaction.total), "number"], cell);
  }));
  $("find-says").textContent = page.error ?? (found.length ? `${found.length} found.` : "No receipt has this number.");
}

async function drawers() {
  const counters = await (await fetch("/drawers")).json();
  if (!Array.isArray(counters)) return;
  $("drawers").replaceChildren(...counters.map((counter) => row(counter.key, [`${money(counter.value)} ${counter.currency ?? ""}`, "number"])));
}

function view() {
  const wanted = ["store", "manager", "models", "limits"].find((name) => location.hash === `#${name}`) ?? "store";
  for (const each of document.querySelectorAll(".view")) each.hidden = each.id !== `view-${wanted}`;
  for (const link of document.querySelectorAll("#views a")) {
    if (link.hash === `#${wanted}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (wanted === "manager") drawers().catch(() => {});
}

document.querySelectorAll("button[data-act]").forEach((button) => button.addEventListener("click", () => press(button)));
$("finish").addEventListener("click", async () => answer("Close and prove", await post("/finish", {})));
$("find").addEventListener("submit", (event) => find(event).catch((error) => { $("find-says").textContent = String(error); }));
window.addEventListener("hashchange", view);
view();

const stream = new EventSource("/stream");
stream.onmessage = (message) => {
  $("lost").hidden = true;
  const state = JSON.parse(message.data);
  if (state.terminals) show(state);
};
stream.onerror = () => { if (document.body.dataset.stage !== "proved") $("lost").hidden = false; };

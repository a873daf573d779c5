// The dashboard in a headless Chromium: every button is pressed, and what the store did is read from its SQLite files and from the
// processes, not from the page. At the end the demo proves its files itself, and must agree.
//
//     node journey.mjs PROGRAM FOLDER [--picture FILE.png]
//
// PROGRAM is the reference terminal; FOLDER has node_modules with playwright-core and axe-core, and takes the store and the screenshots.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [program, folder] = process.argv.slice(2, 4).map((path) => resolve(path));
const picture = process.argv.includes("--picture") ? resolve(process.argv[process.argv.indexOf("--picture") + 1]) : null;
const require = createRequire(join(folder, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const TERMINALS = 3;
const store = join(folder, "store"), shots = join(folder, "screenshots"), report = join(folder, "report.json");
for (const path of [store, shots]) rmSync(path, { recursive: true, force: true });
mkdirSync(shots, { recursive: true });
const began = Date.now();
const say = (text) => console.log(`[${((Date.now() - began) / 1000).toFixed(1)} s] ${text}`);
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

/** Waits until `look` gives something true. */
async function until(what, look, limit = 60_000) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) assert.fail(`${what} did not come about within ${limit} ms`);
    await pause(150);
  }
}

/** Rows of one of the store's files, by Python's SQLite: nothing of ours reads them. */
function rows(file, sql) {
  const script = "import json,sqlite3,sys\nc=sqlite3.connect('file:'+sys.argv[1]+'?mode=ro',uri=True,timeout=10)\nprint(json.dumps(c.execute(sys.argv[2]).fetchall()))";
  const ran = spawnSync("python3", ["-c", script, join(store, file), sql], { encoding: "utf8" });
  assert.equal(ran.status, 0, `${file}: ${sql}: ${ran.stderr}`);
  return JSON.parse(ran.stdout);
}

const till = (number) => `terminal-${number}.db`;
const count = (number, kind) => rows(till(number), `SELECT count(*) FROM events WHERE kind_name = '${kind}'`)[0][0];
const everyCount = (kind) => Array.from({ length: TERMINALS }, (_, at) => count(at + 1, kind));
const inCloud = () => rows("cloud.db", "SELECT count(*) FROM event")[0][0];

/** A chain's name as files have it, and the position: `3-0123456789ab/0:17`. */
function parts(event) {
  const [, incarnation, lane, seq] = /^(\d+-[0-9a-f]+)\/(\d):(\d+)$/.exec(event);
  return { incarnation, terminal: Number(incarnation.split("-")[0]), lane: Number(lane), seq: Number(seq) };
}

/** The event's row in a till's file; nothing where it is not there. */
function row(number, event) {
  const { incarnation, lane, seq } = parts(event);
  const [found] = rows(till(number), `SELECT kind_name, series, number, total FROM events WHERE incarnation = '${incarnation}' AND lane = ${lane} AND seq = ${seq}`);
  return found && { kind: found[0], series: found[1], number: found[2], total: found[3] };
}

/** A terminal that was replaced has written under several names: the key has the name, the lane and the position. */
function cloudHas(event) {
  const { incarnation, terminal, lane, seq } = parts(event);
  const digits = [[terminal, 4], [incarnation.split("-")[1], 12], [lane, 2], [seq, 16]];
  const key = digits.map(([value, width]) => (typeof value === "number" ? value.toString(16) : value).padStart(width, "0")).join("");
  return rows("cloud.db", `SELECT count(*) FROM event WHERE key = x'${key}'`)[0][0] > 0;
}

/** The process of a terminal, or of the cloud. */
function pid(part) {
  const found = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).find((name) => {
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      return line[0] === program && line.includes("--supervised") && line.some((word) => word === join(store, part));
    } catch {
      return false;
    }
  });
  return found && Number(found);
}

const terminalPid = (number) => pid(`terminal-${number}.toml`);
const isStopped = (number) => /^State:\s+T/m.test(readFileSync(`/proc/${terminalPid(number)}/status`, "utf8"));

const demo = spawn(program, ["demo", "--terminals", String(TERMINALS), "--duration", "2s", "--dashboard", "127.0.0.1:0", "--dir", store, "--report", report]);
let said = "";
demo.stdout.on("data", (data) => { said += data; });
demo.stderr.on("data", (data) => { said += data; });
const ended = new Promise((done) => { demo.on("exit", (code) => done(code)); });
const profile = mkdtempSync(join(tmpdir(), "edgepos-browser-"));
let browser;

async function main() {
  const url = await until("the address of the page", () => /break it: (http:\S+)/.exec(said)?.[1]);
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport: { width: 1024, height: 768 },
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const page = browser.pages()[0] ?? (await browser.newPage());
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text()); });
  page.on("request", (request) => { if (!request.url().startsWith(url)) complaints.push(`asked for ${request.url()}`); });
  await page.goto(url);
  await page.waitForSelector("#terminals tr");
  assert.equal(await page.locator("#terminals tr").count(), TERMINALS);
  const strangers = await fetch(`${url}act`, { method: "POST", headers: { "content-type": "application/json", origin: "http://shop.example" }, body: "{}" });
  assert.equal(strangers.status, 403, "a page of another origin may not press a button");
  await page.waitForSelector("body[data-stage=open]", { timeout: 180_000 });
  say("the week is replayed, and buttons work");

  const state = async () => (await fetch(`${url}state`)).json();
  /** Presses a button and gives back what it answered: sentences and events. */
  async function press(act, { terminal, other, selector } = {}) {
    if (terminal) await page.selectOption("#terminal", String(terminal));
    if (other) await page.selectOption("#other", String(other));
    await page.click(selector ?? `button[data-act=${act}]`);
    await page.waitForFunction(() => document.getElementById("answer").dataset.done, undefined, { timeout: 150_000 });
    const answered = await page.evaluate(() => ({ done: document.getElementById("answer").dataset.done, text: document.getElementById("answer").innerText }));
    assert.equal(answered.done, "true", `${act}: ${answered.text}`);
    say(`${act}: ${answered.text.replaceAll("\n", " ")}`);
    return { text: answered.text, events: answered.text.match(/\d+-[0-9a-f]{12}\/\d:\d+/g) ?? [] };
  }
  const settled = (event) => until(`${event} everywhere`, () => cloudHas(event) && [1, 2, 3].every((number) => row(number, event)));
  const cloudButton = (to) => press("cloud", { selector: `button[data-act=cloud][data-state=${to}]` });
  let transactions = 0;

  await press("customers");
  await until("nobody comes", async () => !(await state()).customers);
  await until("the last customer", async () => (await state()).cloud.waiting === 0);
  // Whoever stood at a till when they were sent home has paid by then.
  await until("one count that stays", async () => {
    const counts = JSON.stringify(everyCount("transaction"));
    await pause(1_000);
    return new Set(JSON.parse(counts)).size === 1 && counts === JSON.stringify(everyCount("transaction"));
  });
  transactions = count(1, "transaction");

  await page.selectOption("#product", "4006381333931");
  await page.fill("#quantity", "2");
  let { events: [sale] } = await press("sell", { terminal: 1 });
  assert.deepEqual([row(1, sale).kind, row(1, sale).total], ["transaction", 258]);
  await settled(sale);
  ({ events: [sale] } = await press("picture", { terminal: 2 }));
  assert.deepEqual([row(2, sale).kind, row(2, sale).total], ["transaction", 220]);
  await settled(sale);
  ({ events: [sale] } = await press("take_back", { terminal: 1 }));
  assert.deepEqual([row(1, sale).series, row(1, sale).total], ["R", -220]);
  // The demo has parked one before.
  const parked = () => [count(2, "basket_parked"), count(2, "basket_claimed")];
  const parkedBefore = parked();
  ({ events: [sale] } = await press("park", { terminal: 1, other: 2 }));
  assert.deepEqual([parts(sale).terminal, row(2, sale).total], [2, 258]);
  assert.deepEqual(parked(), parkedBefore.map((one) => one + 1));
  ({ events: [sale] } = await press("mishap", { terminal: 1 }));
  transactions += 5;
  await settled(sale);
  assert.deepEqual(everyCount("transaction"), Array(TERMINALS).fill(transactions), "a sale that was asked for twice is booked once");

  const prices = everyCount("price_set").map((known) => known + 2);
  const { events: [first, second] } = await press("prices", { terminal: 2, other: 3 });
  assert.deepEqual([parts(first).terminal, parts(second).terminal], [2, 3]);
  await until("both prices everywhere", () => JSON.stringify(everyCount("price_set")) === JSON.stringify(prices));
  const raised = everyCount("exception_raised");
  let { events } = await press("oversell", { terminal: 2, other: 3 });
  const [oneSale, otherSale] = events.slice(-2);
  assert.deepEqual([row(2, oneSale).total, row(3, otherSale).total], [999, 999]);
  await until("one exception at each till", () => everyCount("exception_raised").every((now, at) => now === raised[at] + 1));
  ({ events } = await press("return_twice", { terminal: 1, other: 3 }));
  assert.equal(events.length, 3);
  await until("one more exception at each till", () => everyCount("exception_raised").every((now, at) => now === raised[at] + 2));
  transactions += 5;
  await page.waitForFunction(() => document.getElementById("wrong").innerText.includes("returned twice"));

  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const [width, height] of [[1024, 768], [1440, 900], [390, 844]]) {
      await page.setViewportSize({ width, height });
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: join(shots, `store-${width}x${height}-${scheme}.png`) });
    }
    await page.setViewportSize({ width: 1024, height: 768 });
    for (const name of ["store", "manager", "models", "limits"]) {
      await page.click(`#views a[href="#${name}"]`);
      if (name === "models") await page.waitForFunction(() => document.querySelectorAll("#models tr").length === 4, undefined, { timeout: 120_000 });
      await accessible(page, `${name}, ${scheme}`);
      await page.screenshot({ path: join(shots, `${name}-whole-${scheme}.png`), fullPage: true });
    }
    await page.click('#views a[href="#store"]');
  }
  await page.emulateMedia({ colorScheme: "light" });
  say("screenshots are taken, and axe finds nothing serious");

  // The manager looks a receipt up and prints it.
  const wanted = row(1, sale);
  await page.click('#views a[href="#manager"]');
  await page.fill("#number", String(wanted.number));
  await page.selectOption("#of-terminal", "1");
  await page.click("#find button");
  const link = page.locator(`#found a[aria-label^="Open receipt ${wanted.series} ${wanted.number} of till 1"]`);
  await link.waitFor();
  const receipt = await browser.newPage();
  await receipt.goto(new URL(await link.getAttribute("href"), url).href);
  const printed = await receipt.locator("main").innerText();
  assert.ok(printed.includes(`Receipt ${wanted.series} ${wanted.number}`) && printed.includes((wanted.total / 100).toFixed(2)), printed);
  await accessible(receipt, "a receipt");
  await receipt.close();
  const exported = (await (await fetch(`${url}export.jsonl`)).text()).trim().split("\n").map((line) => JSON.parse(line));
  const own = rows(till(1), "SELECT sum(total), count(*) FROM events WHERE kind_name = 'transaction'")[0];
  assert.deepEqual([exported.reduce((sum, one) => sum + one.transaction.total, 0), exported.length], own);
  assert.equal((await (await fetch(`${url}export.csv`)).text()).trim().split("\n").length, own[1] + 1);
  await page.click('#views a[href="#store"]');

  // Boxes.
  let leader = (await state()).leader.terminal;
  await press("kill", { terminal: leader });
  assert.equal(terminalPid(leader), undefined, "the process is gone");
  const other = (leader % TERMINALS) + 1;
  await page.waitForFunction((old) => !["nobody", `till ${old}`].includes(document.getElementById("leader").innerText), leader);
  ({ events: [sale] } = await press("sell", { terminal: other }));
  transactions += 1;
  assert.ok(row(other, sale) && !row(leader, sale), "who is dead has heard of nothing");
  await press("start", { terminal: leader });
  await settled(sale);
  const before = terminalPid(other);
  await press("restart", { terminal: other });
  assert.notEqual(terminalPid(other), before);
  await press("freeze", { terminal: 3 });
  assert.ok(isStopped(3));
  await press("thaw", { terminal: 3 });
  assert.ok(!isStopped(3));
  ({ events: [sale] } = await press("cut", { terminal: 3 }));
  transactions += 1;
  assert.ok(row(3, sale) && !row(1, sale) && !cloudHas(sale), "who is cut off sells, and nobody hears of it");
  await press("heal", { terminal: 3 });
  await settled(sale);

  // The cloud.
  await cloudButton("off");
  assert.equal(pid("cloud.db"), undefined);
  ({ events: [sale] } = await press("sell", { terminal: 1 }));
  assert.ok(row(1, sale) && !cloudHas(sale));
  await cloudButton("on");
  await settled(sale);
  await cloudButton("refusing");
  ({ events: [sale] } = await press("sell", { terminal: 2 }));
  assert.ok(row(2, sale) && !cloudHas(sale));
  await cloudButton("slow");
  await settled(sale);
  await cloudButton("on");
  transactions += 2;

  // Disks.
  const incarnations = (number, of) => rows(till(number), `SELECT count(DISTINCT incarnation) FROM events WHERE terminal = ${of}`)[0][0];
  const known = incarnations(1, 2);
  ({ events: [sale] } = await press("put_back", { terminal: 2 }));
  await settled(sale);
  assert.equal(incarnations(1, 2), known + 1, "an old disk goes on under another name");
  ({ events: [sale] } = await press("replace", { terminal: 3 }));
  transactions += 2;
  // The week has ended with another box in its place already.
  assert.ok(existsSync(join(store, "terminal-3.db.gone-2")));
  await settled(sale);
  assert.deepEqual(everyCount("transaction"), Array(TERMINALS).fill(transactions), "nothing is lost with a disk, and nothing is booked twice");

  await press("customers");
  await pause(500);
  if (picture) await takePicture(page, press);
  assert.deepEqual(complaints, []);
  await page.click("#finish");
  await page.waitForSelector("#verdict:not([hidden])", { timeout: 200_000 });
  assert.match(await page.innerText("#verdict"), /nothing lost, nothing booked twice/);
  await page.screenshot({ path: join(shots, "proved.png") });
  assert.equal(await ended, 0, said);
  const found = JSON.parse(readFileSync(report, "utf8"));
  assert.deepEqual([found.ok, found.lost, found.duplicated, found.stock_mismatches, found.events_recorded], [true, 0, 0, 0, inCloud()]);
  assert.ok(found.sales + found.returns >= transactions);
  const again = spawnSync(program, ["verify", "--dir", store], { encoding: "utf8" });
  assert.equal(again.status, 0, again.stdout + again.stderr);
  say("every button did what it says, and the files prove it");
}

/** Nothing serious that axe finds. */
async function accessible(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  assert.deepEqual(serious.map((one) => [where, one.id, one.nodes.map((node) => node.html.slice(0, 200)).slice(0, 4)]), []);
}

/** The one that the README shows. */
async function takePicture(page, press) {
  await press("cut", { terminal: 2 });
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.evaluate(() => scrollTo(0, 0));
  await pause(1_200);
  await page.screenshot({ path: picture });
  await page.setViewportSize({ width: 1024, height: 768 });
  await press("heal", { terminal: 2 });
}

let failed = null;
try {
  await main();
} catch (error) {
  failed = error;
} finally {
  await browser?.close().catch(() => {});
  rmSync(profile, { recursive: true, force: true });
  if (demo.exitCode === null) {
    demo.kill("SIGTERM");
    const late = setTimeout(() => demo.kill("SIGTERM"), 500);
    const stuck = setTimeout(() => demo.kill("SIGKILL"), 30_000);
    await ended;
    clearTimeout(late);
    clearTimeout(stuck);
  }
}
if (failed) {
  console.error(failed);
  console.error(said.slice(-6_000));
  process.exit(1);
}
process.exit(0);

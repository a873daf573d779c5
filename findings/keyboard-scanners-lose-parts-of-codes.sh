#!/usr/bin/env bash
# use-scan-detection 0.2.3, simple-barcode-scanner 2.0.0, onscan.js 1.5.2, @point-of-sale/keyboard-barcode-scanner 1.1.4 (npm): the code
# ABC-123, scanned, is ShiftAShiftBShiftC-123, 123, or ABC123.
#
# Expected: a scanner that acts as a keyboard presses the keys of the code one after another, Shift with each capital letter, and Enter. What
# listens to it hands over the code as it is in the symbol, or nothing.
#
# Seen: use-scan-detection takes Shift for a character and writes its name in front of each capital letter. simple-barcode-scanner forgets
# what it has at a key that is no letter, digit or underscore, and hands over the rest as the code: 123, which may well be another article.
# onscan.js leaves out the keys -, . and /, so that A-1234 and A1234 are one. No error in any of them, and an EAN-13 is right in all.
# keyboard-barcode-scanner hands over the code.
#
# Source: USB HID Usage Tables (keyboard page: Shift is a key); https://github.com/axenox/onscan.js (decodeKeyEvent)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps use-scan-detection@0.2.3 simple-barcode-scanner@2.0.0 \
  onscan.js@1.5.2 @point-of-sale/keyboard-barcode-scanner@1.1.4 react@18.3.1 react-test-renderer@18.3.1
cat > scan.mjs <<'JS'
import assert from "assert";
import { createRequire } from "module";
import { setTimeout as later } from "timers/promises";

const require = createRequire(import.meta.url);
const page = () => (globalThis.window = globalThis.document = new EventTarget());
page();
globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const { createElement } = require("react");
const { act, create } = require("react-test-renderer");
const detection = require("use-scan-detection").default;
const simple = require("simple-barcode-scanner");
const onScan = require("onscan.js");
const { default: Keyboard } = await import("./node_modules/@point-of-sale/keyboard-barcode-scanner/dist/keyboard-barcode-scanner.esm.js");

const listening = {
  "use-scan-detection": (element, onComplete) => {
    const Listener = () => (detection({ container: element, onComplete }), null);
    act(() => void create(createElement(Listener)));
  },
  "simple-barcode-scanner": (element, found) => simple({ element }).on(found),
  "onscan.js": (element, found) => onScan.attachTo(element, { onScan: found }),
  "keyboard-barcode-scanner": async (_, found) => {
    const scanner = new Keyboard();
    scanner.addEventListener("barcode", ({ value }) => found(value));
    await scanner.connect();
  },
};
// what a scanner with an American keyboard sends
const PLACES = { "-": 189, ".": 190, "/": 191 };
const keys = (code) => [
  ...[...code].flatMap((key) => {
    const [shiftKey, keyCode] = [/[A-Z]/.test(key), PLACES[key] ?? key.toUpperCase().charCodeAt(0)];
    return [...(shiftKey ? [{ key: "Shift", keyCode: 16, shiftKey }] : []), { key, keyCode, shiftKey }];
  }),
  { key: "Enter", keyCode: 13, shiftKey: false },
];
const press = (element, fields) => {
  const types = fields.key === "Shift" ? ["keydown"] : ["keydown", "keypress"];
  for (const type of types) {
    const event = new Event(type, { cancelable: true });
    for (const [name, value] of Object.entries(fields)) Object.defineProperty(event, name, { value });
    element.dispatchEvent(event);
  }
};
const stated = {
  "4006381333931": ["4006381333931", "4006381333931", "4006381333931", "4006381333931"],
  ABC123: ["ShiftAShiftBShiftC123", "ABC123", "ABC123", "ABC123"],
  "ABC-123": ["ShiftAShiftBShiftC-123", "123", "ABC123", "ABC-123"],
  "abc-123": ["abc-123", "123", "abc123", "abc-123"],
  "SALE/4200": ["ShiftSShiftAShiftLShiftE/4200", "4200", "SALE4200", "SALE/4200"],
  "1234.5678": ["1234.5678", "5678", "12345678", "1234.5678"],
};
for (const [code, as] of Object.entries(stated)) {
  const seen = [];
  for (const [at, listen] of Object.values(listening).entries()) {
    const element = page();
    await listen(element, (found) => (seen[at] = found));
    for (const fields of keys(code)) press(element, fields);
    await later(500);
  }
  console.log(`${code}: ${Object.keys(listening).map((library, at) => `${library} ${seen[at]}`).join(", ")}`);
  assert.deepStrictEqual([...seen, ...Array(4)].slice(0, 4), as, "no longer as stated");
}
console.log("as stated");
process.exit(0);
JS
node scan.mjs

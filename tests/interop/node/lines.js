// What both scripts share: JSON lines in and out, and PDUs as plain values.
"use strict";

const readline = require("node:readline");
const smpp = require("smpp");

// A vendor's own TLV, which node-smpp must be told of before it can send it.
smpp.addTLV("vendor", { id: 0x1501, type: smpp.types.tlv.buffer });
// And a command that is in no specification.
smpp.addCommand("mystery", { id: 0x00010001, params: {} });

function say(event) {
  process.stdout.write(JSON.stringify(event) + "\n");
}

function hear(listener) {
  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    listener(JSON.parse(line, (_, value) => (value && value.hex ? Buffer.from(value.hex, "hex") : value)));
  });
}

function nameOf(status) {
  return Object.keys(smpp.errors).find((key) => smpp.errors[key] === status) || status;
}

// The fields of a PDU: octets in hexadecimal, a text and the elements of its header by themselves.
function plain(pdu) {
  const fields = {};
  for (const [key, value] of Object.entries(pdu)) {
    if (typeof value === "function" || ["command_length", "command_id"].includes(key)) continue;
    const isText = value && value.message !== undefined;
    fields[key] = Buffer.isBuffer(value) ? value.toString("hex") : value;
    if (isText) {
      const { message, udh } = value;
      const text = Buffer.isBuffer(message) ? message.toString("hex") : message;
      fields.udh = [].concat(udh || fields.udh || []).map((element) => element.toString("hex"));
      fields.text = (fields.text || "") + text;
      delete fields[key];
    }
  }
  return { event: pdu.command, status: nameOf(pdu.command_status), ...fields };
}

module.exports = { say, hear, plain, smpp };

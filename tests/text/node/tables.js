// Twilio's tables: smart encoding by character, and the GSM alphabet by code unit.
"use strict";
const smart = require("sms-segments-calculator/dist/libs/SmartEncodingMap").default;
const gsm = require("sms-segments-calculator/dist/libs/UnicodeToGSM").default;
process.stdout.write(JSON.stringify({ smart, gsm }));

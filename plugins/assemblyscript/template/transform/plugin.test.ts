import { Row } from "tidemill/row";
import { expect, expectRows, outOf, refusal } from "tidemill/testing";
import { splitWords } from "./plugin";

export function wordsAreLowerCase(): void {
  const out = outOf("word: utf8");
  splitWords(new Row().text("To be"), out);
  expectRows(out, ["to", "be"]);
}

export function aLineWithALongWordIsRefused(): void {
  splitWords(new Row().text("to " + "e".repeat(65)), outOf("word: utf8"));
  expect(refusal(), "a word has 65 characters, at most 64 are allowed");
}

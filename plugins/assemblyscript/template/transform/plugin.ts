// The words of a line.

import { Out, Row } from "tidemill/row";
import { reject } from "tidemill/say";
import { flatMap } from "tidemill/transform";

export function splitWords(row: Row, out: Out): void {
  const words = row.getText(0).split(" ");
  for (let i = 0; i < words.length; i++) {
    const word = words[i].trim();
    if (word.length > 64) return reject(`a word has ${word.length} characters, at most 64 are allowed`);
    if (word.length > 0) out.emit(new Row().text(word.toLowerCase()));
  }
}

flatMap("line: utf8", "word: utf8", splitWords);

// Renders formulas for formulas.py: a line of JSON in, a line of JSON out, until the input ends.
const katex = require(process.argv[2]);
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { latex, displayMode } = JSON.parse(line);
  let answer;
  try {
    const options = { displayMode, throwOnError: true, strict: "error", output: "htmlAndMathml" };
    answer = { html: katex.renderToString(latex, options) };
  } catch (error) {
    answer = { error: error.message };
  }
  console.log(JSON.stringify(answer));
});

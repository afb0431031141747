-- Sources of figures and tables in small type in the PDF; in HTML their class does it.
function Span(span)
  if FORMAT == "typst" and span.classes:includes("source") then
    span.attributes["typst:text:size"] = "7.5pt"
    return span
  end
end

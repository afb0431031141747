-- What the PDF needs more than a class for: sources of figures and tables are in small type, a block
-- that is whole stays on one page, and figures stand before what comes after a flush.
function Span(span)
  if FORMAT == "typst" and span.classes:includes("source") then
    span.attributes["typst:text:size"] = "7.5pt"
    return span
  end
end

function Div(div)
  if FORMAT == "typst" and div.classes:includes("whole") then
    div.attributes["typst:breakable"] = "false"
    return div
  elseif div.classes:includes("flush") then
    return FORMAT == "typst" and pandoc.RawBlock("typst", "#place.flush()") or {}
  end
end

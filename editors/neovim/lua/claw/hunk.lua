--- One hunk in the words and lines that stand for it beside the text.
local where = require('claw.where')
local M = {}

local MOST_LINES = 30

function M.short(text)
  local line = vim.trim((text:gsub('%s+', ' ')))
  return vim.fn.strchars(line) > 50 and vim.fn.strcharpart(line, 0, 49) .. '…' or line
end

local function line_at(bufnr, row)
  return vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
end

--- A range as rows and byte columns from 0; `last_row` is the last row of it that is shown as changed.
function M.spot(bufnr, range, encoding)
  local row, column = where.place(bufnr, range.start, encoding)
  local end_row, end_column = where.place(bufnr, range['end'], encoding)
  local it = { row = row, column = column, end_row = end_row, end_column = end_column }
  it.last_row = (end_row > row and end_column == 0) and end_row - 1 or end_row
  it.first_row = (it.last_row > row and column > 0 and column == #line_at(bufnr, row)) and row + 1 or row
  return it
end

--- The whole lines there would be with this text in the place of the range: a hunk may be a part of a line.
local function lines_with(bufnr, it, text)
  local prefix = line_at(bufnr, it.row):sub(1, it.column)
  local suffix = line_at(bufnr, it.end_row):sub(it.end_column + 1)
  if text:sub(-1) == '\n' and it.end_column == 0 then
    text, suffix = text:sub(1, -2), ''
  elseif text:sub(1, 1) == '\n' and suffix == '' then
    text, prefix = text:sub(2), ''
  end
  return vim.split(prefix .. text .. suffix, '\n')
end

--- What stands behind the first line of a hunk.
function M.words(bufnr, it, hunk)
  if hunk.state == 'conflict' then
    return 'Claw changed this, and so did you'
  elseif hunk.conflict then
    return 'Claw proposes this; what you typed here is in its way'
  elseif hunk.state == 'proposed' then
    return hunk.after == '' and 'Claw would take this out' or 'Claw proposes:'
  elseif not hunk.before then
    return 'Claw changed this'
  elseif hunk.before:match('^%s*$') then
    return hunk.after ~= '' and 'Claw wrote this' or 'Claw took something out'
  elseif hunk.after == '' then
    return 'Claw took out: ' .. M.short(hunk.before)
  end
  return 'Claw: was ' .. M.short(table.concat(lines_with(bufnr, it, hunk.before), ' '))
end

--- What a proposal would put there, below it.
function M.proposed_lines(bufnr, it, hunk)
  if hunk.state ~= 'proposed' or not hunk.after or hunk.after == '' then
    return nil
  end
  local lines = lines_with(bufnr, it, hunk.after)
  local shown = vim.tbl_map(function(line)
    return { { line == '' and ' ' or line, 'ClawAdded' } }
  end, vim.list_slice(lines, 1, MOST_LINES))
  if #lines > MOST_LINES then
    table.insert(shown, { { ('… %d lines more (:Claw diff)'):format(#lines - MOST_LINES), 'ClawText' } })
  end
  return shown
end

return M

--- Changes that wait for review: signs and words beside them, keys to go from one to the next, to keep and to revert.
local say = require('claw.say')
local where = require('claw.where')
local M = {}

local MOST_ROWS, MOST_LINES = 2000, 30
local namespace = vim.api.nvim_create_namespace('claw.hunks')
local asking = vim.api.nvim_create_namespace('claw.asking')

--- By URI, as the server lists them: the buffer may be loaded later. By buffer, what is drawn: `{mark, hunk}`.
local listed = {}
local drawn = {}
--- The server sends events; then its diagnostics are not read for hunks.
local by_event = false

for name, link in pairs({
  ClawOpen = 'Added',
  ClawConflict = 'DiagnosticWarn',
  ClawProposed = 'Changed',
  ClawQuestion = 'DiagnosticInfo',
  ClawText = 'Comment',
  ClawRemoved = 'DiffDelete',
  ClawAdded = 'DiffAdd',
}) do
  vim.api.nvim_set_hl(0, name, { link = link, default = true })
end

local HIGHLIGHTS = { open = 'ClawOpen', conflict = 'ClawConflict', proposed = 'ClawProposed' }

local function client_at(bufnr)
  return vim.lsp.get_clients({ name = 'claw', bufnr = bufnr })[1]
end

local function options()
  return require('claw.options').current
end

local function short(text)
  local line = vim.trim((text:gsub('%s+', ' ')))
  return vim.fn.strchars(line) > 50 and vim.fn.strcharpart(line, 0, 49) .. '…' or line
end

local function line_at(bufnr, row)
  return vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
end

--- A range as rows and byte columns from 0; `last_row` is the last row of it that is shown as changed.
local function spot(bufnr, range, encoding)
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
local function words(bufnr, it, hunk)
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
    return 'Claw took out: ' .. short(hunk.before)
  end
  return 'Claw: was ' .. short(table.concat(lines_with(bufnr, it, hunk.before), ' '))
end

--- What a proposal would put there, below it.
local function proposed_lines(bufnr, it, hunk)
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

local function draw_hunk(bufnr, hunk, encoding)
  local it = spot(bufnr, hunk.range, encoding)
  local kind = hunk.conflict and 'conflict' or hunk.state
  local highlight = HIGHLIGHTS[kind] or 'ClawOpen'
  local sign = options().signs[kind] or nil
  local text = options().virtual_text
  local mark = vim.api.nvim_buf_set_extmark(bufnr, namespace, it.first_row, it.first_row == it.row and it.column or 0, {
    end_row = it.end_row,
    end_col = it.end_column,
    strict = false,
    sign_text = sign,
    sign_hl_group = highlight,
    hl_group = hunk.state == 'proposed' and hunk.before ~= '' and 'ClawRemoved' or nil,
    virt_text = text and { { '◆ ' .. words(bufnr, it, hunk), 'ClawText' } } or nil,
    virt_lines = text and proposed_lines(bufnr, it, hunk) or nil,
  })
  for row = it.first_row + 1, math.min(it.last_row, it.first_row + MOST_ROWS) do
    vim.api.nvim_buf_set_extmark(bufnr, namespace, row, 0, { sign_text = sign, sign_hl_group = highlight })
  end
  return { mark = mark, hunk = hunk }
end

local function is_mapped(bufnr, key)
  return vim.iter(vim.api.nvim_buf_get_keymap(bufnr, 'n')):any(function(it)
    return vim.api.nvim_replace_termcodes(it.lhs, true, true, true) == vim.api.nvim_replace_termcodes(key, true, true, true)
  end)
end

--- The keys are there as long as there are hunks. A key the person has in this buffer stays theirs.
local function map(bufnr)
  if vim.b[bufnr].claw_keys then
    return
  end
  local does = {
    next = { 'Next change of Claw', M.next },
    previous = { 'Previous change of Claw', M.previous },
    keep = { 'Keep this change of Claw', M.keep },
    revert = { 'Revert this change of Claw', M.revert },
  }
  local set = {}
  for name, it in pairs(does) do
    local key = options().keymaps[name]
    if key and key:find('<[lL]eader>') then
      key = key:gsub('<[lL]eader>', vim.g.mapleader or '\\')
    end
    if key and not is_mapped(bufnr, key) then
      vim.keymap.set('n', key, say.safely(it[1], function()
        it[2]()
      end), { buffer = bufnr, desc = it[1] })
      table.insert(set, key)
    end
  end
  vim.b[bufnr].claw_keys = set
end

local function unmap(bufnr)
  for _, key in ipairs(vim.b[bufnr].claw_keys or {}) do
    pcall(vim.keymap.del, 'n', key, { buffer = bufnr })
  end
  vim.b[bufnr].claw_keys = nil
end

local function draw(bufnr, hunks)
  local client = client_at(bufnr)
  if not client or not vim.api.nvim_buf_is_loaded(bufnr) then
    return
  end
  vim.api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
  drawn[bufnr] = vim.tbl_map(function(hunk)
    return draw_hunk(bufnr, hunk, client.offset_encoding)
  end, hunks)
  if #hunks > 0 then
    map(bufnr)
  else
    unmap(bufnr)
  end
end

--- `{kind: "hunks"}` of docs/shims.md.
function M.heard(uri, hunks)
  by_event = true
  listed[uri] = #hunks > 0 and hunks or nil
  local path = vim.uri_to_fname(uri)
  if vim.fn.bufexists(path) == 1 then
    draw(vim.uri_to_bufnr(uri), hunks)
  end
end

local function ours(bufnr)
  local found = {}
  for _, it in ipairs(vim.diagnostic.get(bufnr)) do
    local sent = vim.tbl_get(it, 'user_data', 'lsp')
    if it.source == 'claw' and sent and type(sent.data) == 'table' then
      table.insert(found, { shown = it, sent = sent })
    end
  end
  return found
end

--- Claw's diagnostics of a buffer are others now: its questions, and its hunks where no events tell of them.
function M.diagnosed(bufnr)
  if not vim.api.nvim_buf_is_loaded(bufnr) or not client_at(bufnr) then
    return
  end
  vim.api.nvim_buf_clear_namespace(bufnr, asking, 0, -1)
  local hunks = {}
  for _, it in ipairs(ours(bufnr)) do
    local data = it.sent.data
    if data.hunk then
      table.insert(hunks, { hunk = data.hunk, prompt_id = data.prompt_id, state = data.state or 'open', range = it.sent.range })
    elseif data.question then
      local row = math.min(it.shown.lnum, vim.api.nvim_buf_line_count(bufnr) - 1)
      vim.api.nvim_buf_set_extmark(bufnr, asking, row, 0, {
        sign_text = options().signs.question or nil,
        sign_hl_group = 'ClawQuestion',
        virt_text = options().virtual_text and { { '? ' .. short(vim.split(it.shown.message, '\n')[1]) .. ' (:Claw answer)', 'ClawQuestion' } } or nil,
      })
    end
  end
  if not by_event then
    draw(bufnr, hunks)
  end
end

--- The server knows this buffer now. What we draw ourselves is not drawn by vim.diagnostic too; its lists have it.
function M.attached(bufnr, client)
  local own = vim.lsp.diagnostic.get_namespace(client.id)
  vim.diagnostic.config({ virtual_text = false, virtual_lines = false, signs = false, underline = false }, own)
  if listed[vim.uri_from_bufnr(bufnr)] then
    draw(bufnr, listed[vim.uri_from_bufnr(bufnr)])
  end
  M.diagnosed(bufnr)
end

--- Where the hunks of a buffer are now, from the top: `{row, last, hunk}`. Their marks follow every edit.
local function places(bufnr)
  local found = {}
  for _, it in ipairs(drawn[bufnr] or {}) do
    local mark = vim.api.nvim_buf_get_extmark_by_id(bufnr, namespace, it.mark, { details = true })
    if mark[1] then
      local last = mark[3].end_row or mark[1]
      last = (last > mark[1] and mark[3].end_col == 0) and last - 1 or last
      table.insert(found, { row = mark[1], last = last, hunk = it.hunk })
    end
  end
  table.sort(found, function(one, other)
    return one.row < other.row
  end)
  return found
end

--- The hunk on the cursor's line; nil where there is none.
function M.here()
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  for _, it in ipairs(places(vim.api.nvim_get_current_buf())) do
    if it.row <= row and row <= it.last then
      return it.hunk
    end
  end
end

local function go(forwards)
  local found = places(vim.api.nvim_get_current_buf())
  if #found == 0 then
    return say.say('No changes of Claw wait here (:Claw hunks lists all)')
  end
  for _ = 1, vim.v.count1 do
    local row = vim.api.nvim_win_get_cursor(0)[1] - 1
    local target
    for _, it in ipairs(found) do
      if forwards and it.row > row then
        target = target or it
      elseif not forwards and it.row < row then
        target = it
      end
    end
    target = target or (forwards and found[1] or found[#found])
    vim.cmd("normal! m'")
    vim.api.nvim_win_set_cursor(0, { target.row + 1, 0 })
    vim.cmd('normal! ^')
  end
end

function M.next()
  go(true)
end

function M.previous()
  go(false)
end

--- Answer what is on the cursor's line, or what `scope` says: file, prompt or all.
local function settle(names, scope)
  local hunk = M.here()
  local name = names[hunk and hunk.state == 'proposed' and 2 or 1]
  local args
  if scope == 'all' then
    args = { all = true }
  elseif scope == 'file' then
    args = { uri = vim.uri_from_bufnr(0) }
  elseif not hunk then
    return say.warn('No change of Claw on this line; ]h goes to the next, :Claw hunks lists all')
  elseif scope == 'prompt' then
    args = { prompt_id = hunk.prompt_id }
  else
    args = { hunk = hunk.hunk }
  end
  require('claw.send').command(name, args)
end

function M.keep(scope)
  settle({ 'keep', 'apply' }, scope)
end

function M.revert(scope)
  settle({ 'undo', 'dismiss' }, scope)
end

function M.apply(scope)
  settle({ 'apply', 'apply' }, scope)
end

function M.dismiss(scope)
  settle({ 'dismiss', 'dismiss' }, scope)
end

--- All that wait, in the quickfix list.
function M.list()
  require('claw.send').command('hunks', {}, function(answer)
    local client = require('claw.server').client()
    local items = {}
    for _, hunk in ipairs(answer.hunks or {}) do
      local bufnr = vim.uri_to_bufnr(hunk.uri)
      vim.fn.bufload(bufnr)
      local it = spot(bufnr, hunk.range, client and client.offset_encoding or 'utf-8')
      table.insert(items, {
        bufnr = bufnr,
        lnum = it.first_row + 1,
        end_lnum = it.last_row + 1,
        col = it.first_row == it.row and it.column + 1 or 1,
        text = words(bufnr, it, hunk),
        type = 'I',
      })
    end
    if #items == 0 then
      return say.say('No changes of Claw wait for review.')
    end
    vim.fn.setqflist({}, ' ', { title = 'Changes of Claw', items = items })
    vim.cmd('botright copen')
  end)
end

return M

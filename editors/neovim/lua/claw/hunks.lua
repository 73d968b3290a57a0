--- Changes that wait for review: signs, words and lines beside them, which follow every edit.
local hunk_of = require('claw.hunk')
local M = {}

local MOST_ROWS = 2000
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

local function draw_hunk(bufnr, hunk, encoding)
  local it = hunk_of.spot(bufnr, hunk.range, encoding)
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
    virt_text = text and { { '◆ ' .. hunk_of.words(bufnr, it, hunk), 'ClawText' } } or nil,
    virt_lines = text and hunk_of.proposed_lines(bufnr, it, hunk) or nil,
  })
  for row = it.first_row + 1, math.min(it.last_row, it.first_row + MOST_ROWS) do
    vim.api.nvim_buf_set_extmark(bufnr, namespace, row, 0, { sign_text = sign, sign_hl_group = highlight })
  end
  return { mark = mark, hunk = hunk }
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
    require('claw.review').map(bufnr)
  else
    require('claw.review').unmap(bufnr)
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

local function draw_question(bufnr, shown)
  local row = math.min(shown.lnum, vim.api.nvim_buf_line_count(bufnr) - 1)
  local text = '? ' .. hunk_of.short(vim.split(shown.message, '\n')[1]) .. ' (:Claw answer)'
  vim.api.nvim_buf_set_extmark(bufnr, asking, row, 0, {
    sign_text = options().signs.question or nil,
    sign_hl_group = 'ClawQuestion',
    virt_text = options().virtual_text and { { text, 'ClawQuestion' } } or nil,
  })
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
      local known = { hunk = data.hunk, prompt_id = data.prompt_id, state = data.state or 'open' }
      table.insert(hunks, vim.tbl_extend('error', known, { range = it.sent.range }))
    elseif data.question then
      draw_question(bufnr, it.shown)
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

--- The server is gone: what it said of changes and questions is said by nobody.
function M.stopped(client_id)
  for bufnr in pairs(drawn) do
    -- Neovim lists a client until it was told of its end; another project's server may still run.
    local client = vim.api.nvim_buf_is_valid(bufnr) and client_at(bufnr)
    if client == nil or (client and client.id == client_id) then
      vim.api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
      vim.api.nvim_buf_clear_namespace(bufnr, asking, 0, -1)
      require('claw.review').unmap(bufnr)
      listed[vim.uri_from_bufnr(bufnr)], drawn[bufnr] = nil, nil
    end
  end
end

--- Where the hunks of a buffer are now, from the top: `{row, last, hunk}`. Their marks follow every edit.
function M.places(bufnr)
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
  for _, it in ipairs(M.places(vim.api.nvim_get_current_buf())) do
    if it.row <= row and row <= it.last then
      return it.hunk
    end
  end
end

return M

--- Where the person is: the document and the range that a command is about, and what the server is told of the cursor.
local M = {}

local PAUSE = 100

--- A byte position (row and column from 0) as the server counts.
function M.position(bufnr, row, column, encoding)
  local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
  column = math.min(math.max(column, 0), #line)
  return { line = row, character = vim.str_utfindex(line, encoding, column, false) }
end

--- A position of the server's as row and byte column from 0, inside the buffer.
function M.place(bufnr, position, encoding)
  local last = vim.api.nvim_buf_line_count(bufnr) - 1
  if position.line > last then
    local line = vim.api.nvim_buf_get_lines(bufnr, last, last + 1, false)[1] or ''
    return last, #line
  end
  local line = vim.api.nvim_buf_get_lines(bufnr, position.line, position.line + 1, false)[1] or ''
  return position.line, vim.str_byteindex(line, encoding, position.character, false)
end

--- `{uri, range}` of what a command with this range of lines is about; empty where the buffer is no file.
function M.subject(client, given)
  local bufnr = vim.api.nvim_get_current_buf()
  if not client.attached_buffers[bufnr] then
    return {}
  end
  local subject = { uri = vim.uri_from_bufnr(bufnr) }
  if given.range == 0 then
    local cursor = vim.api.nvim_win_get_cursor(0)
    local at = M.position(bufnr, cursor[1] - 1, cursor[2], client.offset_encoding)
    subject.range = { start = at, ['end'] = at }
    return subject
  end
  local from, to = vim.fn.getpos("'<"), vim.fn.getpos("'>")
  if vim.fn.visualmode() == 'v' and from[2] == given.line1 and to[2] == given.line2 then
    subject.range = M._between(bufnr, from, to, client.offset_encoding)
  else
    local first, after = { line = given.line1 - 1, character = 0 }, { line = given.line2, character = 0 }
    subject.range = { start = first, ['end'] = after }
  end
  return subject
end

--- The range of a selection by characters, whose end is the character under the cursor.
function M._between(bufnr, from, to, encoding)
  local line = vim.api.nvim_buf_get_lines(bufnr, to[2] - 1, to[2], false)[1] or ''
  local finish = #line
  if to[3] <= #line then
    finish = to[3] - 1 + #vim.fn.strcharpart(line:sub(to[3]), 0, 1)
  end
  return {
    start = M.position(bufnr, from[2] - 1, from[3] - 1, encoding),
    ['end'] = M.position(bufnr, to[2] - 1, finish, encoding),
  }
end

--- What the person has before them, as `claw/editorState` says it; nil where that is no file of the server's.
function M.state(client)
  local bufnr = vim.api.nvim_get_current_buf()
  if not client.attached_buffers[bufnr] then
    return nil
  end
  local mode = vim.api.nvim_get_mode().mode
  local here, there = vim.fn.getpos('.'), vim.fn.getpos('v')
  local selection
  if mode == 'v' or mode == 'V' or mode == '\22' then
    if there[2] < here[2] or (there[2] == here[2] and there[3] < here[3]) then
      here, there = there, here
    end
    if mode == 'V' then
      here[3], there[3] = 1, vim.v.maxcol
    end
    selection = M._between(bufnr, here, there, client.offset_encoding)
  else
    local at = M.position(bufnr, here[2] - 1, here[3] - 1, client.offset_encoding)
    selection = { start = at, ['end'] = at }
  end
  local visible = {}
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    local shown = vim.api.nvim_win_get_buf(window)
    if client.attached_buffers[shown] then
      table.insert(visible, vim.uri_from_bufnr(shown))
    end
  end
  return { uri = vim.uri_from_bufnr(bufnr), selection = selection, visible = visible }
end

local last = {}
local due = false

local function tell()
  due = false
  local client = vim.lsp.get_clients({ name = 'claw', bufnr = 0 })[1]
  local state = client and client.initialized and M.state(client)
  if state and not vim.deep_equal(last, state) then
    last = state
    client:notify('claw/editorState', state)
  end
end

--- Tell the server where the person is, at most ten times a second and only what is new.
function M.moved()
  if not due then
    due = true
    vim.defer_fn(require('claw.say').safely('telling where the cursor is', tell), PAUSE)
  end
end

--- What is told from now on is new to the server.
function M.forget()
  last = {}
end

return M

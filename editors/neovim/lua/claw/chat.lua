--- The chat document: opened in a split, sent by a key, and followed while the cursor is in its prompt.
local say = require('claw.say')
local M = {}

local MARK = '<!%-%- claw:%w+ '
local group = vim.api.nvim_create_augroup('claw.chat', {})
local along = vim.api.nvim_create_namespace('claw.along')
local SETTLED = 300
local due = {}
--- By buffer: the number of the prompt that was sent, until the next prompt is there. Its row says nothing: what the
--- server still had to say of the turn before comes above it.
local sent = {}

local function options()
  return require('claw.options').current
end

--- Whether a buffer holds a chat: its title says so.
function M.is_chat(bufnr)
  local first = vim.api.nvim_buf_get_lines(bufnr, 0, 1, false)[1] or ''
  return first:match('^# .*' .. MARK .. 'chat') ~= nil
end

--- The row of a prompt's heading and the prompt's number, by that number or else the last one; nil where there is none.
local function heading(bufnr, number)
  for row = vim.api.nvim_buf_line_count(bufnr) - 1, 0, -1 do
    local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1]
    local found = tonumber(line:match(MARK .. 'you (%d+) %-%->%s*$'))
    if found and (not number or found == number) then
      return row, found
    end
  end
end

--- Who has sent a prompt and stayed in it goes on to the next one, once it is there.
local function go_on(bufnr)
  local prompt, number = heading(bufnr)
  if not sent[bufnr] or not number or number <= sent[bufnr] then
    return
  end
  local before = heading(bufnr, sent[bufnr])
  sent[bufnr] = nil
  if not before then
    return
  end
  local answer = before
  for n, line in ipairs(vim.api.nvim_buf_get_lines(bufnr, before, prompt, false)) do
    answer = before + n
    if line:match(MARK .. 'answer') then
      break
    end
  end
  for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
    local row = vim.api.nvim_win_get_cursor(window)[1] - 1
    if row >= before and row < answer then
      vim.api.nvim_win_set_cursor(window, { vim.api.nvim_buf_line_count(bufnr), 0 })
    end
  end
end

local function height_of(window, first, last)
  return vim.api.nvim_win_text_height(window, { start_row = first, end_row = last }).all
end

--- From where a window shows the end of its text: the first row, and how much of that line is above the window.
local function top_of(window, last)
  local height = vim.api.nvim_win_get_height(window)
  local top = math.max(0, last - height + 1)
  while top < last and height_of(window, top, last) > height do
    top = top + 1
  end
  local free = height - height_of(window, top, last)
  if top == 0 or free <= 0 then
    return top, 0
  end
  -- A paragraph is one line, and may be taller than the window: of the line above, the end is shown.
  local width = vim.api.nvim_win_get_width(window) - vim.fn.getwininfo(window)[1].textoff
  return top - 1, math.max(0, height_of(window, top - 1, top - 1) - free) * width
end

--- Scroll so that the end of the chat is at the bottom and the cursor in sight. The cursor stays where it is.
local function follow_in(window, bufnr)
  local prompt = heading(bufnr)
  local row = vim.api.nvim_win_get_cursor(window)[1] - 1
  if not prompt or row < prompt then
    return
  end
  local top, skip = top_of(window, vim.api.nvim_buf_line_count(bufnr) - 1)
  if row <= top then
    top, skip = row, 0
  end
  vim.api.nvim_win_call(window, function()
    local view = vim.fn.winsaveview()
    if view.topline ~= top + 1 or view.skipcol ~= skip then
      view.topline, view.skipcol = top + 1, skip
      vim.fn.winrestview(view)
    end
  end)
end

local function follow(bufnr)
  due[bufnr] = nil
  if not vim.api.nvim_buf_is_valid(bufnr) then
    return
  end
  go_on(bufnr)
  for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
    follow_in(window, bufnr)
  end
end

--- In insert mode what is typed above the cursor's line comes from the server: the view is looked at once a tick.
local function grew(_, bufnr)
  if not due[bufnr] then
    due[bufnr] = true
    vim.schedule(say.safely('following the chat', function()
      follow(bufnr)
    end))
  end
end

--- Send what stands in the prompt.
function M.send()
  if vim.api.nvim_get_mode().mode:sub(1, 1) == 'i' then
    vim.cmd.stopinsert()
  end
  if not M.is_chat(0) then
    return say.warn('This is no chat of Claw; :Claw chat opens one')
  end
  local _, number = heading(0)
  sent[vim.api.nvim_get_current_buf()] = number
  require('claw.send').command('send', { uri = vim.uri_from_bufnr(0) })
end

--- Chats are read better without the comments that mark their headings; they show on the cursor's line.
local function dress(window)
  vim.wo[window][0].wrap = true
  vim.wo[window][0].linebreak = true
  vim.wo[window][0].smoothscroll = true
  vim.wo[window][0].conceallevel = 2
  if not vim.w[window].claw_dressed then
    vim.w[window].claw_dressed = true
    vim.fn.matchadd('Conceal', [[\s\?<!-- claw:\w\+ [^>]*-->]], 10, -1, { window = window, conceal = '' })
  end
end

--- Beside the heading of the prompt: what goes along with it by itself, as the server's lens says it.
local function show_along(bufnr)
  local client = vim.lsp.get_clients({ bufnr = bufnr, name = 'claw' })[1]
  if not client then
    return
  end
  local params = { textDocument = { uri = vim.uri_from_bufnr(bufnr) } }
  client:request('textDocument/codeLens', params, function(failed, lenses)
    if failed or not vim.api.nvim_buf_is_loaded(bufnr) then
      return
    end
    vim.api.nvim_buf_clear_namespace(bufnr, along, 0, -1)
    for _, lens in ipairs(lenses or {}) do
      local row = lens.range.start.line
      if lens.command.command == 'claw.along' and row < vim.api.nvim_buf_line_count(bufnr) then
        vim.api.nvim_buf_set_extmark(bufnr, along, row, 0, { virt_text = { { lens.command.title, 'Comment' } } })
      end
    end
  end, bufnr)
end

--- The server knows this buffer now: a chat gets its key, and is followed.
function M.attached(bufnr)
  if not M.is_chat(bufnr) or vim.b[bufnr].claw_chat then
    return
  end
  vim.b[bufnr].claw_chat = true
  local key = options().keymaps.send
  if key then
    vim.keymap.set({ 'n', 'i' }, key, say.safely('sending', M.send), { buffer = bufnr, desc = 'Claw: send the prompt' })
  end
  if options().chat.follow then
    vim.api.nvim_buf_attach(bufnr, false, { on_lines = grew })
  end
  for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
    dress(window)
  end
  vim.api.nvim_create_autocmd('BufWinEnter', {
    group = group,
    buffer = bufnr,
    callback = function()
      dress(vim.api.nvim_get_current_win())
    end,
  })
  -- Where the person was last is told to the server a moment later.
  local show_soon = say.safely('showing what goes along', function()
    vim.defer_fn(function()
      show_along(bufnr)
    end, SETTLED)
  end)
  -- The place before the person changes only while they are elsewhere; Neovim 0.11 takes no request to ask anew.
  vim.api.nvim_create_autocmd({ 'BufEnter', 'InsertEnter', 'InsertLeave' }, {
    group = group,
    buffer = bufnr,
    callback = show_soon,
  })
  show_soon()
  vim.api.nvim_create_autocmd('BufUnload', {
    group = group,
    buffer = bufnr,
    once = true,
    callback = function()
      vim.b[bufnr].claw_chat = nil
      sent[bufnr] = nil
      vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
    end,
  })
end

local function window_of(bufnr)
  local other
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    local shown = vim.api.nvim_win_get_buf(window)
    if shown == bufnr then
      return window
    elseif M.is_chat(shown) and vim.api.nvim_win_get_config(window).relative == '' then
      other = window
    end
  end
  return other
end

local function size_of(split, size)
  local whole = (split == 'right' or split == 'left') and vim.o.columns or vim.o.lines
  return math.max(10, math.floor(size < 1 and whole * size or size))
end

--- A window for the chat, by the options; entered only where that was asked for.
local function open(bufnr, enter)
  local split, size = options().chat.split, options().chat.size
  if split == 'tab' then
    local before = vim.api.nvim_get_current_tabpage()
    vim.cmd('tab sbuffer ' .. bufnr)
    local window = vim.api.nvim_get_current_win()
    if not enter then
      vim.api.nvim_set_current_tabpage(before)
    end
    return window
  elseif split == 'current' then
    vim.api.nvim_win_set_buf(0, bufnr)
    return vim.api.nvim_get_current_win()
  end
  local sideways = split == 'right' or split == 'left'
  local window = vim.api.nvim_open_win(bufnr, enter, {
    split = split,
    win = -1,
    width = sideways and size_of(split, size) or nil,
    height = not sideways and size_of(split, size) or nil,
  })
  return window
end

local function loaded(uri)
  local path = vim.uri_to_fname(uri)
  if vim.fn.bufexists(path) == 0 and not vim.uv.fs_stat(path) then
    return nil
  end
  local bufnr = vim.uri_to_bufnr(uri)
  vim.fn.bufload(bufnr)
  return bufnr
end

--- `window/showDocument`: whether it is a chat, which is then shown. Other documents are Neovim's own matter.
function M.shows(params, client)
  if params.external or not vim.startswith(params.uri, 'file:') then
    return false
  end
  local bufnr = loaded(params.uri)
  if not bufnr or not M.is_chat(bufnr) then
    return false
  end
  vim.bo[bufnr].buflisted = true
  local window = window_of(bufnr)
  if window then
    vim.api.nvim_win_set_buf(window, bufnr)
  else
    window = open(bufnr, params.takeFocus == true)
  end
  dress(window)
  if params.selection then
    local row, column = require('claw.where').place(bufnr, params.selection.start, client.offset_encoding)
    vim.api.nvim_win_set_cursor(window, { row + 1, column })
  end
  if params.takeFocus then
    vim.api.nvim_set_current_win(window)
  end
  grew(nil, bufnr)
  return true
end

return M

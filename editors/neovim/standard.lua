-- claw-lsp beside your other language servers, in every file. Needs Neovim 0.11 or newer.
vim.lsp.config('claw', {
  cmd = { @CLAW@, 'serve' },
  root_dir = function(bufnr, found)
    -- A page that a server shows is in no project; it belongs to that server, and another would know nothing of it.
    local home = vim.uv.fs_realpath(vim.env.CLAW_HOME or vim.fs.normalize('~/.claw')) or ''
    local running = vim.lsp.get_clients({ name = 'claw' })[1]
    if running and vim.startswith(vim.api.nvim_buf_get_name(bufnr), home .. '/views/') then
      return found(running.root_dir)
    end
    found(vim.fs.root(bufnr, { '.git', '.claw', '.claude', 'CLAW.md', 'CLAUDE.md', 'AGENTS.md' }))
  end,
  handlers = {
    -- Neovim's own handler ends each message with a newline, and so with "Press ENTER".
    ['window/showMessage'] = function(_, said)
      vim.notify(said.message, said.type == 1 and vim.log.levels.ERROR or vim.log.levels.INFO)
    end,
  },
})
vim.lsp.enable('claw')

-- Files of no known type are files too.
vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufNewFile' }, {
  group = vim.api.nvim_create_augroup('claw', {}),
  callback = function(event)
    if vim.bo[event.buf].filetype == '' then
      vim.api.nvim_exec_autocmds('FileType', { group = 'nvim.lsp.enable', buffer = event.buf })
    end
  end,
})

-- :Claw chat, :Claw status, :Claw stop … and :Claw ask WORDS about the file, or the lines of a range.
local turns = { ask = true, edit = true, fix = true, explain = true, tests = true, document = true, refactor = true }
vim.api.nvim_create_user_command('Claw', function(given)
  local client = vim.lsp.get_clients({ name = 'claw', bufnr = 0 })[1]
  if not client then
    return vim.notify('claw-lsp is not attached to this buffer', vim.log.levels.WARN)
  end
  local name, words = given.fargs[1], table.concat(given.fargs, ' ', 2)
  local args = vim.empty_dict()
  if turns[name] then
    args.uri = vim.uri_from_bufnr(0)
    args.prompt = words
    if given.range > 0 then
      args.range = { start = { line = given.line1 - 1, character = 0 }, ['end'] = { line = given.line2, character = 0 } }
    end
  end
  client:exec_cmd({ title = name, command = 'claw.' .. name, arguments = { args } }, { bufnr = 0 }, function(err, answer)
    local said = err and err.message or answer and answer.text
    if said then
      vim.notify(said, err and vim.log.levels.ERROR or vim.log.levels.INFO)
    end
  end)
end, { nargs = '+', range = true, desc = 'Run a command of claw-lsp' })

vim.keymap.set({ 'n', 'x' }, '<leader>ca', vim.lsp.buf.code_action, { desc = 'Code actions, Claw among them' })
vim.keymap.set('n', '<leader>cc', '<Cmd>Claw chat<CR>', { desc = 'Claw: chat' })

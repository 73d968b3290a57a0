--- The server's life: which files it is attached to, how it starts, and what waits until it has.
local say = require('claw.say')
local M = {}

M.POWERS = { events = true, save = true, pick = true, input = true, diff = true, languageFeatures = true }

local NAME = 'claw'
local group = vim.api.nvim_create_augroup('claw', {})
local options
local waiting = {}
local restarting = false
local showing

--- Attach to every file there is and every file to come.
function M.enable(given)
  options = given
  vim.api.nvim_clear_autocmds({ group = group })
  vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufNewFile', 'BufFilePost', 'BufWritePost' }, {
    group = group,
    callback = say.safely('attaching to a file', function(event)
      M.attach(event.buf)
    end),
  })
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = say.safely('preparing a buffer', function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == NAME then
        require('claw.buffers').attached(event.buf, client)
      end
    end),
  })
  M._attach_all()
end

--- Whether claw belongs into this buffer: an ordinary file with a name.
function M.wants(bufnr)
  local name = vim.api.nvim_buf_get_name(bufnr)
  return vim.bo[bufnr].buftype == '' and name ~= '' and not name:match('^%a[%w+.-]+://') and options.attach(bufnr)
end

function M.attach(bufnr)
  if options and M.wants(bufnr) then
    if showing then
      return vim.lsp.buf_attach_client(bufnr, showing)
    end
    M._start(M.root(vim.api.nvim_buf_get_name(bufnr)), { bufnr = bufnr })
  end
end

--- Open what a server asked to show. It belongs to that server wherever it lies: a page of its own is in no project, and
--- another server would know nothing of it.
function M.shown_by(client_id, open)
  showing = client_id
  local opened, answer = pcall(open)
  showing = nil
  if not opened then
    error(answer, 0)
  end
  return answer
end

--- The project of a path; the working directory where that holds it; else nil.
function M.root(path)
  local found = vim.fs.root(path, options.root_markers)
  local here = vim.fn.getcwd()
  return found or (vim.fs.relpath(here, path) and here) or nil
end

--- The client of the current buffer, else one that runs; nil where none does.
function M.client()
  return vim.lsp.get_clients({ name = NAME, bufnr = 0 })[1] or vim.lsp.get_clients({ name = NAME })[1]
end

--- Run `then_` with a client that is ready; starts a server in the working directory where none runs.
function M.with(then_)
  local client = M.client()
  if client and client.initialized then
    return then_(client)
  elseif not options then
    return say.warn('claw is not set up: add require("claw").setup{} to your configuration (:help claw)')
  end
  table.insert(waiting, then_)
  if not client then
    local here = vim.fn.getcwd()
    M._start(vim.fs.root(here, options.root_markers) or here, { attach = false })
  end
end

--- Stop what runs and attach to every file anew.
function M.restart()
  local clients = vim.lsp.get_clients({ name = NAME })
  restarting = #clients > 0
  for _, client in ipairs(clients) do
    client:stop(true)
  end
  -- A client that is stopping would be taken for the one to use.
  vim.wait(2000, function()
    return #vim.lsp.get_clients({ name = NAME }) == 0
  end, 20)
  M._attach_all()
end

function M._attach_all()
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(bufnr) then
      M.attach(bufnr)
    end
  end
end

function M._start(root, how)
  local argv, why = require('claw.program').find(options.cmd, root)
  if not argv then
    waiting = {}
    return say.once(why, vim.log.levels.WARN)
  end
  vim.lsp.start(M._config(argv, root), how)
end

function M._config(argv, root)
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  capabilities.experimental = { claw = M.POWERS }
  return {
    name = NAME,
    cmd = argv,
    root_dir = root,
    capabilities = capabilities,
    settings = { claw = options.settings },
    init_options = { claw = options.settings },
    handlers = require('claw.handlers').all,
    -- What the person typed reaches the agent sooner than by the 150 ms that are the default.
    flags = { debounce_text_changes = 50 },
    on_init = say.safely('beginning', function(client)
      local first = waiting
      waiting = {}
      require('claw.buffers').started()
      for _, it in ipairs(first) do
        it(client)
      end
    end),
    on_exit = vim.schedule_wrap(function(code, signal, client_id)
      require('claw.status').stopped(client_id)
      require('claw.hunks').stopped(client_id)
      if (code ~= 0 or signal ~= 0) and not restarting and vim.v.exiting == vim.NIL then
        waiting = {}
        say.warn(('claw-lsp ended by itself (exit code %d). :Claw restart starts it again; see :LspLog'):format(code))
      end
      restarting = false
    end),
  }
end

return M

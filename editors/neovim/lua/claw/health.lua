--- `:checkhealth claw`
local M = {}

local function check_program(options)
  local argv, why = require('claw.program').find(options.cmd, vim.fs.root(0, options.root_markers) or vim.fn.getcwd())
  if not argv then
    return vim.health.error(why)
  end
  local ran, done = pcall(function()
    return vim.system({ argv[1], '--version' }, { text = true, timeout = 20000 }):wait()
  end)
  if ran and done.code == 0 then
    vim.health.ok(('%s (%s)'):format(argv[1], vim.trim(done.stdout)))
  else
    local said = ran and vim.trim(done.stderr ~= '' and done.stderr or done.stdout) or tostring(done)
    vim.health.error(('%s --version failed: %s'):format(argv[1], said))
  end
end

local function check_client()
  local clients = vim.lsp.get_clients({ name = 'claw' })
  if #clients == 0 then
    return vim.health.info('no server runs; it starts with the first file, or with :Claw chat')
  end
  for _, client in ipairs(clients) do
    local n = vim.tbl_count(client.attached_buffers)
    vim.health.ok(('a server for %s, attached to %d buffer(s), counting in %s'):format(
      client.root_dir or 'files of no project', n, client.offset_encoding))
  end
  local status = require('claw').status()
  if status then
    vim.health.info(('model %s, mode %s'):format(status.model or '?', status.mode or '?'))
  else
    vim.health.info('the server sent no status yet: the status line shows its name only')
  end
end

local function check_key()
  if vim.env.ANTHROPIC_API_KEY or vim.env.ANTHROPIC_AUTH_TOKEN then
    vim.health.ok('a key is in the environment')
  else
    vim.health.warn('neither ANTHROPIC_API_KEY nor ANTHROPIC_AUTH_TOKEN is in the environment of this Neovim', {
      'start Neovim where it is set, or name a key helper in the settings (docs/settings.md)',
    })
  end
end

function M.check()
  vim.health.start('claw')
  if vim.fn.has('nvim-0.11') == 0 then
    return vim.health.error('Neovim 0.11 or newer is needed')
  end
  vim.health.ok('Neovim ' .. tostring(vim.version()))
  local server = package.loaded['claw.server']
  if not server then
    return vim.health.warn('setup was not called', { 'add require("claw").setup{} to your configuration' })
  end
  check_program(require('claw.options').current)
  check_client()
  check_key()
end

return M

//! How Zed starts claw-lsp: the program that the settings name, else the one on the PATH.

use zed_extension_api::{self as zed, settings::LspSettings, Command, LanguageServerId, Result, Worktree};

struct Claw;

impl zed::Extension for Claw {
    fn new() -> Self {
        Claw
    }

    fn language_server_command(&mut self, server: &LanguageServerId, worktree: &Worktree) -> Result<Command> {
        let binary = LspSettings::for_worktree(server.as_ref(), worktree)
            .ok()
            .and_then(|settings| settings.binary);
        let (path, arguments) = match binary {
            Some(binary) => (binary.path, binary.arguments),
            None => (None, None),
        };
        let command = path.or_else(|| worktree.which("claw-lsp")).ok_or(
            "claw-lsp was not found: say where it is as lsp.claw-lsp.binary.path in Zed's settings (`claw-lsp init zed`)",
        )?;
        Ok(Command {
            command,
            args: arguments.unwrap_or_else(|| vec!["serve".into()]),
            env: worktree.shell_env(),
        })
    }
}

zed::register_extension!(Claw);

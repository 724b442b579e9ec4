using CsiThin.Driver.Cli;

return await new CommandLine(Console.Out, Console.Error).RunAsync(args).ConfigureAwait(false);

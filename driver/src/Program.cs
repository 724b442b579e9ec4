using System.Text;
using CsiThin.Driver.Attach;
using CsiThin.Driver.Cli;

if (args is ["engine" or "serve", ..])
    DataPathProcess.EnterBeforeThreadsStart();

// The runtime looks below the home for certificates of the user's own, and refuses to check any where the user has none, as nobody has.
if (Environment.GetEnvironmentVariable("HOME") is null)
    Environment.SetEnvironmentVariable("HOME", Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));

// Buffered: a dump writes millions of lines. What must be seen at once (a ready line, progress) is flushed where it is written.
var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 64 << 10);
await using (output.ConfigureAwait(false))
    return await new CommandLine(output, Console.Error, Terminal.Detect()).RunAsync(args).ConfigureAwait(false);

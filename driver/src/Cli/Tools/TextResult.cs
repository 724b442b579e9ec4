using System.Text;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>The text a tool writes: to the output, or to a file that appears when it is whole.</summary>
internal static class TextResult
{
    private const int BufferCharacters = 64 << 10;

    /// <summary>The option -f, --file.</summary>
    public static System.CommandLine.Option<string?> Option() => new("--file", "-f")
    {
        Description = "Write to this file instead, which appears (or changes) only when it is whole",
        HelpName = "FILE",
    };

    /// <summary>Refuses <c>-o json</c> for what has one form alone.</summary>
    public static void RefuseJson(Output output, string whatItIs)
    {
        if (output.Format == OutputFormat.Json)
            throw new CliException($"{whatItIs}; it has no JSON form", ExitCodes.Usage);
    }

    /// <summary>Opens <paramref name="target"/> and has <paramref name="write"/> make a text of it.</summary>
    public static Task<bool> RunAsync(
        Output output,
        MetadataTarget target,
        string? file,
        Action<MetadataSource, TextWriter, ToolRun> write,
        CancellationToken cancellation) =>
        ToolRunner.RunAsync(
            output,
            prints: file is null,
            async run =>
            {
                using var source = await MetadataSource.OpenAsync(target, run.Cancellation).ConfigureAwait(false);
                Write(output, file, target.Path, text => write(source, text, run));
                return true;
            },
            cancellation);

    /// <summary>
    /// Calls <paramref name="write"/> with where the text goes. <paramref name="inputPath"/> must not be what is written.
    /// </summary>
    public static void Write(Output output, string? file, string inputPath, Action<TextWriter> write)
    {
        if (file is null)
        {
            write(output.Out);
            output.Out.Flush();
            return;
        }

        using var pending = PendingFile.Beside(file, inputPath);
        using (var stream = pending.OpenStream())
        {
            using var text = new StreamWriter(
                stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), BufferCharacters, leaveOpen: true);
            write(text);
            text.Flush();
            if (stream.CanSeek)
                stream.Flush(flushToDisk: true);
        }

        pending.Complete();
    }
}

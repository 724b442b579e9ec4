using System.Text;

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

using CsiThin.Core.Device.Files;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>
/// The text a tool reads, in a form that can be read twice: the file itself, or a copy of the standard input that has no name and goes with
/// the process.
/// </summary>
internal static class SpooledInput
{
    /// <summary>What stands for the standard input.</summary>
    public const string StandardInput = "-";

    /// <summary>Opens <paramref name="path"/>, waiting for the end of the standard input if that is what it means.</summary>
    public static async Task<FileStream> OpenAsync(string path, CancellationToken cancellation)
    {
        if (path == StandardInput)
            return await SpoolAsync(Console.OpenStandardInput(), cancellation).ConfigureAwait(false);
        switch (PathKinds.Of(path))
        {
            case PathKind.Absent:
                throw new CliException($"{path} is not there");
            case PathKind.Directory:
                throw new CliException($"{path} is a directory");
            case PathKind.Other:
                return await SpoolAsync(new FileStream(path, FileMode.Open, FileAccess.Read), cancellation).ConfigureAwait(false);
            default:
                return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 20);
        }
    }

    private static async Task<FileStream> SpoolAsync(Stream input, CancellationToken cancellation)
    {
        var copy = new FileStream(
            Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 1 << 20, FileOptions.DeleteOnClose);
        try
        {
            // A read of a terminal or pipe cannot be called off; whoever is stopped meanwhile leaves it behind.
            await input.CopyToAsync(copy, cancellation).WaitAsync(cancellation).ConfigureAwait(false);
            copy.Position = 0;
            return copy;
        }
        catch
        {
            await copy.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}

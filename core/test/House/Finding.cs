namespace CsiThin.Core.Tests.House;

/// <summary>A place where a rule is broken, and what to do instead.</summary>
internal readonly record struct Finding(string Path, int Line, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path}:{Line}: {Message}";
}

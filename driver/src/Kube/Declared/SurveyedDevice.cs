namespace CsiThin.Driver.Kube.Declared;

/// <summary>A device as one declaration finds it, and what is on it: <see cref="Content"/>, or why that cannot be said.</summary>
internal sealed record SurveyedDevice(string Path, BlockDeviceFacts Facts)
{
    /// <summary>What is on it; null for provably nothing, and where there is <see cref="Failure"/>.</summary>
    public DeviceContent? Content { get; init; }

    /// <summary>Why nobody knows what is on it.</summary>
    public string? Failure { get; init; }
}

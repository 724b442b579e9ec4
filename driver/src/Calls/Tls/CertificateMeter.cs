using System.Diagnostics.Metrics;

namespace CsiThin.Driver.Calls.Tls;

/// <summary>When the certificates of a role end, on the meter <c>CsiThin.Tls</c>. Any thread may look.</summary>
internal sealed class CertificateMeter : IDisposable
{
    private readonly Meter _meter = new("CsiThin.Tls");

    /// <summary>Publishes the instrument.</summary>
    public CertificateMeter(TlsIdentity identity) => _meter.CreateObservableGauge(
        "csithin.certificate.expiry.timestamp",
        () => identity.Ends.Select(end => new Measurement<double>(
            end.At.ToUnixTimeMilliseconds() / 1000.0, new KeyValuePair<string, object?>("certificate", end.Certificate))),
        "s",
        "When the process's own certificate and the authority it trusts end, since the Unix epoch.");

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}

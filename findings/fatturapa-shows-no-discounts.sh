#!/usr/bin/env bash
# fatturapa 0.2.0 (PyPI): three at 10.00 are 27.00, and no discount says why.
#
# Expected: a line of an Italian e-invoice has its discount (ScontoMaggiorazione) in the field sconto, which the class Linea has beside
# prezzo_unitario and prezzo_totale, all ready for printing; a total of 27.125 is printed as 27,13, as amounts in euro are rounded.
#
# Seen: sconto is empty whatever the invoice says, a rate or an amount, so a line is printed as 3 x 10,00 = 27,00; the discount of the
# whole document is left out as well. Totals are cut to the even cent: 27.125 is 27,12 and 27.135 is 27,14. Quantities, unit prices with
# more decimals, rates and sums are right.
#
# Source: Agenzia delle Entrate, Specifiche tecniche della fattura elettronica (2.2.1.10 ScontoMaggiorazione, 2.2.1.11 PrezzoTotale, up to
# eight decimals); Regulation (EC) No 1103/97, article 5; https://github.com/azuki-beans/fatturapa
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fatturapa==0.2.0
"$folder/venv/bin/python" - <<'PY'
from dataclasses import asdict

from fatturapa import parse

PARTY = """<DatiAnagrafici><IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>00000000000</IdCodice></IdFiscaleIVA><Anagrafica>
<Denominazione>Corner Shop</Denominazione></Anagrafica>{}</DatiAnagrafici><Sede><Indirizzo>Via Roma 1</Indirizzo><CAP>00100</CAP>
<Comune>Roma</Comune><Nazione>IT</Nazione></Sede>"""
HEADER = f"""<DatiTrasmissione><IdTrasmittente><IdPaese>IT</IdPaese><IdCodice>00000000000</IdCodice></IdTrasmittente>
<ProgressivoInvio>117</ProgressivoInvio><FormatoTrasmissione>FPR12</FormatoTrasmissione>
<CodiceDestinatario>0000000</CodiceDestinatario></DatiTrasmissione>
<CedentePrestatore>{PARTY.format("<RegimeFiscale>RF01</RegimeFiscale>")}</CedentePrestatore>
<CessionarioCommittente>{PARTY.format("")}</CessionarioCommittente>"""
INVOICE = """<?xml version="1.0" encoding="UTF-8"?>
<p:FatturaElettronica versione="FPR12" xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2">
<FatturaElettronicaHeader>{header}</FatturaElettronicaHeader><FatturaElettronicaBody><DatiGenerali><DatiGeneraliDocumento><TipoDocumento>TD01</TipoDocumento>
<Divisa>EUR</Divisa><Data>2026-12-01</Data><Numero>117</Numero>
<ScontoMaggiorazione><Tipo>SC</Tipo><Importo>0.94</Importo></ScontoMaggiorazione>
<ImportoTotaleDocumento>32.00</ImportoTotaleDocumento></DatiGeneraliDocumento></DatiGenerali><DatiBeniServizi>
<DettaglioLinee><NumeroLinea>1</NumeroLinea><Descrizione>Article</Descrizione><Quantita>3.00</Quantita>
<PrezzoUnitario>10.00</PrezzoUnitario>%s<PrezzoTotale>%s</PrezzoTotale><AliquotaIVA>22.00</AliquotaIVA></DettaglioLinee>
<DatiRiepilogo><AliquotaIVA>22.00</AliquotaIVA><ImponibileImporto>27.00</ImponibileImporto><Imposta>5.94</Imposta>
</DatiRiepilogo></DatiBeniServizi></FatturaElettronicaBody></p:FatturaElettronica>"""
DISCOUNT = "<ScontoMaggiorazione><Tipo>SC</Tipo>%s</ScontoMaggiorazione>"
for discount, total, printed in [
    (DISCOUNT % "<Percentuale>10.00</Percentuale>", "27.00", "27,00"),
    (DISCOUNT % "<Importo>1.00</Importo>", "27.00", "27,00"),
    ("", "27.125", "27,12"),
    ("", "27.135", "27,14"),
]:
    [document] = parse((INVOICE.replace("{header}", HEADER) % (discount, total)).encode())
    [line] = document.linee
    print(f"{line.quantita} x {line.prezzo_unitario} = {line.prezzo_totale}, discount {line.sconto!r}; document {document.importo_totale}")
    assert (line.quantita, line.prezzo_unitario) == ("3", "10,00") and document.importo_totale == "32,00", "it is no longer right"
    assert (line.sconto, line.prezzo_totale) == ("", printed), "no longer as stated"
    assert "0,94" not in str(asdict(document)), "the discount of the document is there now"
print("as stated")
PY

#!/usr/bin/env bash
# verifactu 0.1.1 (PyPI): the hash of an invoice whose number has a space is that of another number.
#
# Expected: the hash that a Spanish invoice carries (VERI*FACTU) is made of its fields as they stand in the record; only spaces in front of
# a value and behind it are left out. Whoever has the record computes the same hash.
#
# Seen: every space is taken out before hashing, and stays in the record that is sent. The invoice "T1 000117" gets the hash of
# "T1000117", and so does "T1 00 0117"; who computes it again from the record that was sent gets another one. The tax office's own example,
# which has no space, comes out right. verifactu-sdk 0.1.0 and kreyo-verifactu-hash-calculator 0.1.2 agree with the record. No error is
# raised, and the chain goes on from the hash.
#
# Source: AEAT, Detalle de las especificaciones técnicas para generación de la huella o hash de los registros de facturación, 0.1.2 (values
# without spaces at their beginning and end)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check verifactu==0.1.1 verifactu-sdk==0.1.0 kreyo-verifactu-hash-calculator==0.1.2
"$folder/venv/bin/python" - <<'PY'
import re

from kreyo_verifactu_hash_calculator import RegistroAltaInput, compute_registro_alta
from verifactu.chain import ChainManager
from verifactu.models.breakdown import Desglose, DetalleDesglose
from verifactu.models.header import Cabecera
from verifactu.models.identifiers import Encadenamiento, IDFactura, PersonaFisicaJuridicaES
from verifactu.models.invoice import RegistroAlta
from verifactu.models.system import SistemaInformatico
from verifactu.xml.builder import build_submit_xml
from verifactu_sdk.hashing import cadena_alta, huella

EXAMPLE = "3C464DAF61ACB827C65FDA19F352A4E3BDC2C640E9E9FC4CC058073F38F12F60"
NIF, DAY, MOMENT, TAX, TOTAL = "89890001K", "01-01-2024", "2024-01-01T19:20:30+01:00", "12.35", "123.45"
shop = dict(nif=NIF, nombre_razon="A shop")
system = SistemaInformatico(**shop, nombre_sistema_informatico="A till", id_sistema_informatico="01", version="1", numero_instalacion="1")
line = DetalleDesglose(calificacion_operacion="S1", tipo_impositivo="21", base_imponible_o_importe_no_sujeto="111.10", cuota_repercutida=TAX)


def sent(number):
    record = RegistroAlta(
        id_factura=IDFactura(id_emisor_factura=NIF, num_serie_factura=number, fecha_expedicion_factura=DAY), nombre_razon_emisor="A shop",
        tipo_factura="F1", descripcion_operacion="Goods", desglose=Desglose(detalle_desglose=[line]), cuota_total=TAX, importe_total=TOTAL,
        encadenamiento=Encadenamiento(primer_registro=True), sistema_informatico=system, fecha_hora_huso_gen_registro=MOMENT, huella="")
    text = build_submit_xml(Cabecera(obligado_emision=PersonaFisicaJuridicaES(**shop)), [ChainManager().link_alta(record)]).decode()
    field = lambda name: re.search(rf"<\w+:{name}>([^<]*)</\w+:{name}>\s*", text).group(1)
    return field("NumSerieFactura"), field("Huella")


def again(number):
    first = huella(cadena_alta(id_emisor=NIF, num_serie=number, fecha_expedicion=DAY, tipo_factura="F1", cuota_total=TAX,
                               importe_total=TOTAL, huella_anterior=None, fecha_hora_huso_gen=MOMENT))
    second = compute_registro_alta(RegistroAltaInput(NIF, number, DAY, "F1", TAX, TOTAL, None, MOMENT)).upper()
    assert first == second, "the two others no longer agree"
    return first


assert sent("12345678/G33") == ("12345678/G33", EXAMPLE) and again("12345678/G33") == EXAMPLE, "the example is no longer right"
_, without = sent("T1000117")
for number in ["T1000117", "T1 000117", "T1 00 0117"]:
    name, hashed = sent(number)
    print(f"{name}: sent with {hashed[:8]}, computed again {again(name)[:8]}")
    assert name == number, "the number in the record is no longer as given"
    assert hashed == without, "no longer as stated"
    assert (hashed == again(name)) == (" " not in number), "no longer as stated"
print("as stated")
PY
